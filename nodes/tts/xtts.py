"""tts.xtts: your own XTTS v2 server (xtts-api-server), which speaks 17 languages like the person in a recording.

POST /tts_to_audio/, see https://github.com/daswer123/xtts-api-server
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from vaidol.nodes._provider import Listing, Provider, one_of
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings

LANGUAGES = (
    "en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh-cn", "hu", "ko", "ja", "hi",
)  # fmt: skip


class XttsSettings(VoiceSettings):
    provider = Provider("XTTS", server=True, languages=LANGUAGES)

    base_url: str = Field("http://127.0.0.1:8020", pattern=r"^https?://[^\s/]+")
    """Address of the server."""
    voice: str = Field("female", min_length=1)
    """The recording to speak like: its name in the server's folder of speakers."""
    language: Annotated[str, one_of("language", LANGUAGES)] = "en"
    """Language to speak."""


class XttsTts(RemoteSpeaker[XttsSettings]):
    """tts.xtts: speak with an XTTS server.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = XttsSettings.provider
    listing = Listing("/speakers_list")

    def asks(self, text: str) -> Ask:
        body = {"text": text, "speaker_wav": self.settings.voice, "language": self.settings.language}
        return Ask("/tts_to_audio/", {}, {"json": body})

"""tts.gpt_sovits: your own GPT-SoVITS server, which speaks like the person in a short recording.

POST /tts of api_v2.py, see https://github.com/RVC-Boss/GPT-SoVITS/blob/main/api_v2.py
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider, one_of
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings

LANGUAGES = ("zh", "en", "ja", "ko", "yue", "all_zh", "all_ja", "all_ko", "all_yue", "auto", "auto_yue")
Language = Annotated[str, one_of("language", LANGUAGES)]


class GptSovitsSettings(VoiceSettings):
    provider = Provider("GPT-SoVITS", server=True, streaming=True, languages=LANGUAGES[:5])

    base_url: str = Field("http://127.0.0.1:9880", pattern=r"^https?://[^\s/]+")
    """Address of the server."""
    voice: str = Field("reference.wav", min_length=1)
    """The recording to speak like, 3 to 10 s: its path on the server's machine."""
    voice_text: str = Field("", max_length=1000)
    """What is said in the recording."""
    voice_language: Language = "en"
    """Language of the recording."""
    language: Language = "en"
    """Language to speak; auto: seen from the text."""
    speed: float = Field(1.0, ge=0.5, le=2)
    """Tempo; 1 = the voice's own."""


class GptSovitsTts(RemoteSpeaker[GptSovitsSettings]):
    """tts.gpt_sovits: speak with a GPT-SoVITS server.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = GptSovitsSettings.provider

    def asks(self, text: str) -> Ask:
        wanted = self.settings
        body = {
            "text": text,
            "text_lang": wanted.language,
            "ref_audio_path": wanted.voice,
            "prompt_text": wanted.voice_text,
            "prompt_lang": wanted.voice_language,
            "speed_factor": wanted.speed,
            "media_type": "wav",
            "streaming_mode": True,
        }
        return Ask("/tts", {}, {"json": body})

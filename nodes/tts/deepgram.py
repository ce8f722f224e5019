"""tts.deepgram: Deepgram's Aura voices.

POST /v1/speak, see https://developers.deepgram.com/reference/text-to-speech-api/speak
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vaidol.nodes._provider import Listing, Provider
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings


class DeepgramTtsSettings(VoiceSettings):
    provider = Provider(
        "Deepgram", key="DEEPGRAM_API_KEY", streaming=True,
        voices=("aura-2-thalia-en", "aura-2-andromeda-en", "aura-2-apollo-en", "aura-2-celeste-es"),
    )  # fmt: skip

    base_url: str = Field("https://api.deepgram.com", pattern=r"^https?://[^\s/]+")
    """Address of the service."""
    voice: str = Field("aura-2-thalia-en", pattern=r"^[\w-]+$")
    """Name of the voice, its model and language included."""


class DeepgramTts(RemoteSpeaker[DeepgramTtsSettings]):
    """tts.deepgram: speak with Deepgram.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = DeepgramTtsSettings.provider
    listing = Listing("/v1/models", "tts", "canonical_name")
    raw = 24_000

    def asks(self, text: str) -> Ask:
        wanted = self.settings
        how = {"model": wanted.voice, "encoding": "linear16", "sample_rate": str(self.raw), "container": "none"}
        return Ask("/v1/speak", {"Authorization": f"Token {wanted.key}"}, {"json": {"text": text}, "params": how})

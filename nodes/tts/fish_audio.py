"""tts.fish_audio: Fish Audio's voices, or your own server of Fish Speech.

POST /v1/tts, see https://docs.fish.audio/api-reference/endpoint/openapi-v1/text-to-speech
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings


class FishAudioSettings(VoiceSettings):
    provider = Provider("Fish Audio", key="FISH_API_KEY", streaming=True)

    base_url: str = Field("https://api.fish.audio", pattern=r"^https?://[^\s/]+")
    """Address of the service."""
    voice: str = Field("", pattern=r"^\w*$")
    """Id of the voice (reference_id); empty: the model's own."""
    model: str = "s1"
    """Name of the model."""
    latency: Literal["normal", "balanced"] = "balanced"
    """balanced begins sooner."""
    speed: float = Field(1.0, ge=0.5, le=2)
    """Tempo; 1 = the voice's own."""


class FishAudioTts(RemoteSpeaker[FishAudioSettings]):
    """tts.fish_audio: speak with Fish Audio.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = FishAudioSettings.provider
    raw = 24_000

    def asks(self, text: str) -> Ask:
        wanted = self.settings
        body: dict[str, Any] = {
            "text": text, "format": "pcm", "sample_rate": self.raw, "latency": wanted.latency,
            "prosody": {"speed": wanted.speed},
        }  # fmt: skip
        if wanted.voice:
            body["reference_id"] = wanted.voice
        return Ask("/v1/tts", {"Authorization": f"Bearer {wanted.key}", "model": wanted.model}, {"json": body})

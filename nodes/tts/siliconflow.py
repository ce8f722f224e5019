"""tts.siliconflow: SiliconFlow's voices, CosyVoice 2 among them.

POST /v1/audio/speech, see https://docs.siliconflow.com/en/api-reference/audio/create-speech
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings


class SiliconflowSettings(VoiceSettings):
    provider = Provider(
        "SiliconFlow", key="SILICONFLOW_API_KEY", streaming=True,
        voices=("alex", "anna", "bella", "benjamin", "charles", "claire", "david", "diana"),
    )  # fmt: skip

    base_url: str = Field("https://api.siliconflow.com", pattern=r"^https?://[^\s/]+")
    """Address of the service; https://api.siliconflow.cn in China."""
    model: str = Field("FunAudioLLM/CosyVoice2-0.5B", min_length=1)
    """Name of the model."""
    voice: str = Field("anna", min_length=1)
    """One of the model's voices, or the whole address of one of your own (speech:...)."""
    speed: float = Field(1.0, ge=0.25, le=4)
    """Tempo; 1 = the voice's own."""
    gain: float = Field(0.0, ge=-10, le=10)
    """Loudness above (below if negative) the voice's own, dB."""


class SiliconflowTts(RemoteSpeaker[SiliconflowSettings]):
    """tts.siliconflow: speak with SiliconFlow.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = SiliconflowSettings.provider
    raw = 24_000

    def asks(self, text: str) -> Ask:
        wanted = self.settings
        body = {
            "model": wanted.model,
            "input": text,
            "voice": wanted.voice if ":" in wanted.voice else f"{wanted.model}:{wanted.voice}",
            "response_format": "pcm",
            "sample_rate": self.raw,
            "stream": True,
            "speed": wanted.speed,
            "gain": wanted.gain,
        }
        return Ask("/v1/audio/speech", {"Authorization": f"Bearer {wanted.key}"}, {"json": body})

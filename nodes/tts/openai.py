"""tts.openai: any server with OpenAI's speech route: OpenAI, Kokoro-FastAPI, speaches, LocalAI ...

POST /v1/audio/speech, see https://platform.openai.com/docs/api-reference/audio/createSpeech
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from vaidol.nodes._provider import Listing, Provider
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings

PRESETS = {  # address, model, voice
    "openai": ("https://api.openai.com/v1", "gpt-4o-mini-tts", "coral"),
    "kokoro": ("http://127.0.0.1:8880/v1", "kokoro", "af_heart"),
    "speaches": ("http://127.0.0.1:8000/v1", "speaches-ai/Kokoro-82M-v1.0-ONNX", "af_heart"),
}


class OpenaiTtsSettings(VoiceSettings):
    provider = Provider(
        "OpenAI-compatible speech", key="OPENAI_API_KEY", server=True, streaming=True,
        voices=("alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer"),
    )  # fmt: skip

    preset: Literal["openai", "kokoro", "speaches"] = "kokoro"
    """Whose address, model and voice count where none are given: OpenAI, Kokoro-FastAPI, speaches."""
    base_url: str = Field("", pattern=r"^($|https?://[^\s/]+)")
    """Address of the server up to and with /v1; empty: that of the preset."""
    model: str = ""
    """Name of the model at that server; empty: that of the preset."""
    format: Literal["pcm", "wav", "mp3", "opus"] = "pcm"
    """How the sound travels; pcm (16 bits, 24 kHz) begins soonest."""
    speed: float = Field(1.0, ge=0.25, le=4)
    """Tempo; 1 = the voice's own."""
    instructions: str = Field("", max_length=4000)
    """How to speak, for models that follow it."""


class OpenaiTts(RemoteSpeaker[OpenaiTtsSettings]):
    """tts.openai: speak through a server with OpenAI's speech route.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = OpenaiTtsSettings.provider
    listing = Listing("/audio/voices", "voices", "id")

    async def open(self) -> None:
        wanted = self.settings
        url, model, voice = PRESETS[wanted.preset]
        chosen = {"base_url": wanted.base_url or url, "model": wanted.model or model, "voice": wanted.voice or voice}
        self.settings = wanted.model_copy(update=chosen)
        self.raw = 24_000 if wanted.format == "pcm" else 0
        await super().open()

    def asks(self, text: str) -> Ask:
        wanted = self.settings
        body = {
            "model": wanted.model, "voice": wanted.voice, "input": text, "response_format": wanted.format,
            "speed": wanted.speed,
        }  # fmt: skip
        if wanted.instructions:
            body["instructions"] = wanted.instructions
        headers = {"Authorization": f"Bearer {wanted.key}"} if wanted.key else {}
        return Ask("/audio/speech", headers, {"json": body})

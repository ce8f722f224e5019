"""asr.openai: any server with OpenAI's transcription route: OpenAI, Groq, speaches, vLLM, LocalAI ...

POST /v1/audio/transcriptions, see https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from vaidol.nodes._provider import Listing, Provider
from vaidol.nodes.asr._listener import Heard
from vaidol.nodes.asr._remote import RemoteListener, RemoteListenerSettings

PRESETS = {  # address, model
    "openai": ("https://api.openai.com/v1", "gpt-4o-mini-transcribe"),
    "groq": ("https://api.groq.com/openai/v1", "whisper-large-v3-turbo"),
    "speaches": ("http://127.0.0.1:8000/v1", "Systran/faster-whisper-small"),
    "vllm": ("http://127.0.0.1:8000/v1", "openai/whisper-large-v3-turbo"),
}


class OpenaiAsrSettings(RemoteListenerSettings):
    provider = Provider("OpenAI-compatible transcription", key="OPENAI_API_KEY", server=True)

    preset: Literal["openai", "groq", "speaches", "vllm"] = "speaches"
    """Whose address and model count where none are given."""
    base_url: str = Field("", pattern=r"^($|https?://[^\s/]+)")
    """Address of the server up to and with /v1; empty: that of the preset."""
    model: str = ""
    """Name of the model at that server; empty: that of the preset."""
    prompt: str = Field("", max_length=1000)
    """Text said before, for names and their spelling."""


class OpenaiAsr(RemoteListener[OpenaiAsrSettings]):
    """asr.openai: recognize speech through a server with OpenAI's transcription route.

    audio (Utterance, any rate), partial (Utterance) -> transcript (Transcript)
    """

    provider: ClassVar[Provider] = OpenaiAsrSettings.provider
    listing = Listing("/models", "data", "id")

    async def open(self) -> None:
        url, model = PRESETS[self.settings.preset]
        chosen = {"base_url": self.settings.base_url or url, "model": self.settings.model or model}
        self.settings = self.settings.model_copy(update=chosen)
        await super().open()

    def asks(self, sound: bytes) -> tuple[str, dict[str, str], dict[str, Any]]:
        import aiohttp

        wanted = self.settings
        form = aiohttp.FormData()
        form.add_field("file", sound, filename="speech.wav", content_type="audio/wav")
        told = {"model": wanted.model, "language": wanted.language, "prompt": wanted.prompt, "response_format": "json"}
        for name, value in told.items():
            if value:
                form.add_field(name, value)
        headers = {"Authorization": f"Bearer {wanted.key}"} if wanted.key else {}
        return "/audio/transcriptions", headers, {"data": form}

    def words(self, told: Any) -> Heard:
        return Heard(told["text"], self.settings.language)

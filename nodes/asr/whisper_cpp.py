"""asr.whisper_cpp: your own server of whisper.cpp (`whisper-server -m MODEL`).

POST /inference, see https://github.com/ggml-org/whisper.cpp/tree/master/examples/server
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.asr._languages import WHISPER, WhisperLanguage
from vaidol.nodes.asr._listener import Heard
from vaidol.nodes.asr._remote import RemoteListener, RemoteListenerSettings


class WhisperCppSettings(RemoteListenerSettings):
    provider = Provider("whisper.cpp", server=True, languages=WHISPER)

    language: WhisperLanguage = ""
    """Language spoken, like "en" or "de"; empty: heard from the sound."""
    base_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s/]+")
    """Address of the server."""
    prompt: str = Field("", max_length=1000)
    """Text said before, for names and their spelling."""


class WhisperCpp(RemoteListener[WhisperCppSettings]):
    """asr.whisper_cpp: recognize speech with a whisper.cpp server.

    audio (Utterance, any rate), partial (Utterance) -> transcript (Transcript)
    """

    provider: ClassVar[Provider] = WhisperCppSettings.provider

    def asks(self, sound: bytes) -> tuple[str, dict[str, str], dict[str, Any]]:
        import aiohttp

        form = aiohttp.FormData()
        form.add_field("file", sound, filename="speech.wav", content_type="audio/wav")
        language, prompt = self.settings.language or "auto", self.settings.prompt
        for name, value in (("response_format", "json"), ("language", language), ("prompt", prompt)):
            form.add_field(name, value)
        return "/inference", {}, {"data": form}

    def words(self, told: Any) -> Heard:
        return Heard(told["text"].replace("[BLANK_AUDIO]", ""), self.settings.language)

"""tts.kokoro: Kokoro 82M in ONNX, from the user's files, by the package kokoro-onnx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32
from vaidol.nodes._models import model_errors
from vaidol.nodes._provider import Provider, need_file
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._local import LocalSpeaker


class KokoroSettings(SpeakerSettings):
    model: str = Field(min_length=1)
    """Path of the model, such as kokoro-v1.0.onnx."""
    voices: str = Field(min_length=1)
    """Path of the file with its voices, such as voices-v1.0.bin."""
    voice: str = "af_heart"
    """Name of the voice in that file."""
    language: str = "en-us"
    """Language, as espeak-ng calls it."""
    speed: float = Field(1.0, ge=0.5, le=2)
    """Tempo; 1 = the voice's own."""
    threads: int = Field(1, ge=1, le=64)
    """Threads that compute. More than the cores that are free makes it slower."""


class KokoroTts(LocalSpeaker[KokoroSettings]):
    """tts.kokoro: speak with Kokoro.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = Provider(
        "Kokoro", package="kokoro_onnx", extra="kokoro", voices=("af_heart", "af_bella", "am_adam", "bf_emma")
    )
    weights = ("model", "voices", "threads")

    @classmethod
    def load(cls, settings: KokoroSettings, package: Any) -> Any:
        from vaidol.models.onnx import open_onnx

        model, voices = need_file(settings.model, "Kokoro's model"), need_file(settings.voices, "Kokoro's voices")
        with model_errors():
            session = open_onnx(model, threads=settings.threads)
        kokoro = package.Kokoro.from_session(session, str(voices))
        _check(kokoro, settings.voice)
        return kokoro

    def parts(self, voice: Any, text: str) -> Iterator[tuple[F32, int]]:
        _check(voice, self.settings.voice)  # the weights may be shared with a node of another voice
        wanted = self.settings
        yield voice.create(text, voice=wanted.voice, speed=wanted.speed, lang=wanted.language)


def _check(kokoro: Any, voice: str) -> None:
    known = sorted(kokoro.get_voices())
    if voice not in known:
        raise ProviderError(f"Kokoro has no voice '{voice}'; there are: {', '.join(known)}", code="bad_voice")

"""asr.faster_whisper: Whisper on CTranslate2; one copy of the weights hears all sessions, one utterance at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from vaidol.graph.errors import ProviderError
from vaidol.graph.events import Event
from vaidol.graph.frames import F32, Utterance
from vaidol.graph.node import Need, Progress
from vaidol.nodes._models import model_errors, model_path
from vaidol.nodes._provider import Provider
from vaidol.nodes.asr._languages import WHISPER, WhisperLanguage
from vaidol.nodes.asr._listener import Heard, Listener, ListenerSettings, resampled

if TYPE_CHECKING:
    from vaidol.models.whisper import Transcription, Whisper


class FasterWhisperSettings(ListenerSettings):
    model: str = "whisper-tiny.en"
    """Model of the catalogue, or path of a folder with a CTranslate2 Whisper."""
    language: WhisperLanguage = ""
    """Language spoken, like "en" or "de"; empty: heard from the sound."""
    prompt: str = ""
    """Text said before, for names and their spelling."""
    hot_words: tuple[str, ...] = Field((), max_length=100)
    """Names and rare words to listen for."""
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    """Where it runs."""
    compute_type: str = "int8"
    """CTranslate2's type of numbers: int8, int8_float16, float16, float32 ..."""
    threads: int = Field(1, ge=1, le=64)
    """Threads of one utterance. More than the cores that are free makes it slower."""

    @model_validator(mode="after")
    def _hears_it(self) -> Self:
        if self.model.endswith(".en") and self.language not in ("", "en"):
            raise ValueError(f"{self.model} hears English only; for '{self.language}' take one such as whisper-base")
        return self


class FasterWhisper(Listener[FasterWhisperSettings]):
    """asr.faster_whisper: turn what the user said into text.

    audio (Utterance, any rate), partial (Utterance, what was said so far)
    -> transcript (Transcript; of `audio` final, empty when nothing was said)
    """

    provider: ClassVar[Provider] = Provider("faster-whisper", package="faster_whisper", interim=True, languages=WHISPER)

    @classmethod
    def needs(cls, settings: FasterWhisperSettings) -> tuple[Need, ...]:
        return (Need(_key(settings), "speech recognition", lambda progress: _load(settings, progress)),)

    async def open(self) -> None:
        self._whisper: Whisper = self.ctx.shared(_key(self.settings))
        self._names = ""  # of the characters in the same room: a small model does not know them by itself
        self._stop_listening = self.ctx.events.listen(self._event)
        for event in self.ctx.events:
            self._event(event)

    async def close(self) -> None:
        self._stop_listening()

    def _event(self, event: Event) -> None:
        if event.name == "names":
            self._names = event.text

    async def hear(self, sound: Utterance, *, last: bool) -> Heard:
        try:
            done = await self.ctx.call(_key(self.settings), self._transcribe, sound.samples, sound.rate, last)
        except (RuntimeError, ValueError) as error:  # what CTranslate2 raises; its message names the cause
            raise ProviderError(f"speech recognition failed: {error}") from error
        return Heard(done.text, done.language)

    def _transcribe(self, samples: F32, rate: int, again: bool) -> Transcription:
        """On the model's thread."""
        settings = self.settings
        before = " ".join(filter(None, (settings.prompt, ", ".join(settings.hot_words), self._names)))
        return self._whisper.transcribe(
            resampled(samples, rate), language=settings.language or None, prompt=before or None, again=again
        )


def _key(settings: FasterWhisperSettings) -> str:
    return f"whisper {settings.model} {settings.device} {settings.compute_type} {settings.threads}"


def _load(settings: FasterWhisperSettings, progress: Progress) -> Whisper:
    from vaidol.models.whisper import Whisper

    progress(0.0, settings.model)
    path = model_path(settings.model)
    with model_errors():
        return Whisper(path, threads=settings.threads, device=settings.device, compute_type=settings.compute_type)

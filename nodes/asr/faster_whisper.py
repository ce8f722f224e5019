"""asr.faster_whisper: Whisper on CTranslate2; one copy of the weights hears all sessions, one utterance at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Transcript, Utterance
from vaidol.graph.node import Need, Node, Progress, Settings
from vaidol.graph.ports import Port
from vaidol.nodes._models import model_errors, model_path
from vaidol.nodes.asr._confirmed import Confirmed

if TYPE_CHECKING:
    from vaidol.models.whisper import Transcription, Whisper

RATE = 16_000  # Hz


class FasterWhisperSettings(Settings):
    model: str = "whisper-tiny.en"
    """Model of the catalogue, or path of a folder with a CTranslate2 Whisper."""
    language: str = ""
    """Language spoken, like "en" or "de"; empty: heard from the sound."""
    prompt: str = ""
    """Text said before, for names and their spelling."""
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    """Where it runs."""
    compute_type: str = "int8"
    """CTranslate2's type of numbers: int8, int8_float16, float16, float32 ..."""
    threads: int = Field(1, ge=1, le=64)
    """Threads of one utterance. More than the cores that are free makes it slower."""
    timeout_s: float = Field(20.0, gt=0, le=600)
    """An utterance that is not understood by then has failed, s."""


class FasterWhisper(Node[FasterWhisperSettings]):
    """asr.faster_whisper: turn what the user said into text.

    audio (Utterance, any rate), partial (Utterance, what was said so far)
    -> transcript (Transcript; of `audio` final, empty when nothing was said)
    """

    inputs = (Port("audio", Utterance), Port("partial", Utterance, optional=True))
    outputs = (Port("transcript", Transcript),)

    @classmethod
    def needs(cls, settings: FasterWhisperSettings) -> tuple[Need, ...]:
        return (Need(_key(settings), "speech recognition", lambda progress: _load(settings, progress)),)

    async def open(self) -> None:
        self._whisper: Whisper = self.ctx.shared(_key(self.settings))
        self._confirmed = Confirmed(0)

    async def process(self, port: str, frame: Utterance) -> None:
        if port == "partial":
            await self._hear_so_far(frame)
            return
        heard = await self._hear(frame, again=True)
        self.ctx.mark(frame.trace, "asr_done")
        self.ctx.events.publish(
            "transcript", node=self.ctx.node, gen=frame.gen, trace=frame.trace, text=heard.text, code=heard.language
        )
        self._say(frame, heard.text, heard.language, final=True)

    async def _hear_so_far(self, frame: Utterance) -> None:
        """Words of an utterance that goes on; of one without a trace nothing is remembered."""
        heard = await self._hear(frame, again=False)
        if self._confirmed.trace != frame.trace or not frame.trace:
            self._confirmed = Confirmed(frame.trace)
        self._say(frame, self._confirmed.take(heard.text), heard.language, final=False)

    def _say(self, cause: Utterance, text: str, language: str, *, final: bool) -> None:
        born = self.ctx.clock.ns()
        self.emit("transcript", Transcript(text=text, language=language, final=final, born=born, **cause.stamp()))

    async def _hear(self, frame: Utterance, *, again: bool) -> Transcription:
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                return await self.ctx.call(_key(self.settings), self._transcribe, frame.samples, frame.rate, again)
        except TimeoutError as error:
            message = f"speech recognition took longer than {self.settings.timeout_s:g} s"
            raise ProviderError(message, retryable=True, code="timeout") from error
        except (RuntimeError, ValueError) as error:  # what CTranslate2 raises; its message names the cause
            raise ProviderError(f"speech recognition failed: {error}") from error

    def _transcribe(self, samples: F32, rate: int, again: bool) -> Transcription:
        """On the model's thread."""
        settings = self.settings
        return self._whisper.transcribe(
            resampled(samples, rate),
            language=settings.language or None,
            prompt=settings.prompt or None,
            again=again,
        )


def resampled(samples: F32, rate: int) -> F32:
    """`samples` (n,) at `rate` Hz as 16 kHz."""
    if rate == RATE or not len(samples):
        return samples
    import soxr

    result: Any = soxr.resample(samples, rate, RATE)
    return np.ascontiguousarray(result, np.float32)


def _key(settings: FasterWhisperSettings) -> str:
    return f"whisper {settings.model} {settings.device} {settings.compute_type} {settings.threads}"


def _load(settings: FasterWhisperSettings, progress: Progress) -> Whisper:
    from vaidol.models.whisper import Whisper

    progress(0.0, settings.model)
    path = model_path(settings.model)
    with model_errors():
        return Whisper(path, threads=settings.threads, device=settings.device, compute_type=settings.compute_type)

"""The base of every recognizer: one final transcript per utterance, words on the way where the provider gives them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import ClassVar, NamedTuple, TypeVar

import numpy as np
from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Transcript, Utterance
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.asr._confirmed import Confirmed

RATE = 16_000  # Hz


class ListenerSettings(Settings):
    """What all recognizers have in common."""

    interim: bool = True
    """Show words while the user still speaks; each time costs a computation or a request."""
    timeout_s: float = Field(20.0, gt=0, le=600)
    """An utterance that is not understood by then has failed, s."""


class Heard(NamedTuple):
    """What was understood: "" = nothing was said."""

    text: str
    language: str = ""


L = TypeVar("L", bound=ListenerSettings)


class Listener(Node[L]):
    """audio (Utterance, any rate), partial (Utterance, what was said so far)
    -> transcript (Transcript; of `audio` final, empty when nothing was said)
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("audio", Utterance), Port("partial", Utterance, optional=True))
    outputs: ClassVar[tuple[Port, ...]] = (Port("transcript", Transcript),)

    def __init__(self, settings: L, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._confirmed = Confirmed(0)

    @abstractmethod
    async def hear(self, sound: Utterance, *, last: bool) -> Heard:
        """The words in `sound`; with `last` False it goes on. Raises `ProviderError`."""

    async def process(self, port: str, frame: Utterance) -> None:
        if port == "partial":
            if self.settings.interim:
                await self._so_far(frame)
            return
        heard = await self.in_time(frame, last=True)
        self.ctx.mark(frame.trace, "asr_done")
        self.ctx.events.publish(
            "transcript", node=self.ctx.node, gen=frame.gen, trace=frame.trace, text=heard.text, code=heard.language
        )
        self._say(frame, heard, final=True)

    async def _so_far(self, frame: Utterance) -> None:
        """Words of an utterance that goes on; of one without a trace nothing is remembered."""
        heard = await self.in_time(frame, last=False)
        if self._confirmed.trace != frame.trace or not frame.trace:
            self._confirmed = Confirmed(frame.trace)
        self._say(frame, Heard(self._confirmed.take(heard.text), heard.language), final=False)

    def _say(self, cause: Utterance, heard: Heard, *, final: bool) -> None:
        born = self.ctx.clock.ns()
        frame = Transcript(text=heard.text, language=heard.language, final=final, born=born, **cause.stamp())
        self.emit("transcript", frame)

    async def in_time(self, frame: Utterance, *, last: bool) -> Heard:
        """`hear`, within the time that the settings give it."""
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                return await self.hear(frame, last=last)
        except TimeoutError as error:
            message = f"speech recognition took longer than {self.settings.timeout_s:g} s"
            raise ProviderError(message, retryable=True, code="timeout") from error


def resampled(samples: F32, rate: int) -> F32:
    """`samples` (n,) at `rate` Hz as 16 kHz."""
    if rate == RATE or not len(samples):
        return samples
    import soxr

    return np.ascontiguousarray(soxr.resample(samples, rate, RATE), np.float32)

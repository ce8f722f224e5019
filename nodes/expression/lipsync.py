"""expression.lipsync: the mouth that goes with the sound being heard."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from vaidol.graph.clock import NS
from vaidol.graph.frames import Audio, Mouth
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.expression._mouth import MouthCurve, Shape

RATE = 48_000  # Hz
STEP = 960  # samples for each value of the mouth, 20 ms
SHUT = 8  # values of a closed mouth: more than were ever told ahead


class LipsyncSettings(Settings):
    batch_ms: int = Field(40, ge=20, le=500)
    """The mouth is sent for this much sound at a time, ms; the first value of a batch comes so much later."""
    repeat_ms: int = Field(80, ge=0, le=500)
    """Each batch repeats the values before it for so long, ms: one that was lost on the way is made up for."""


class Lipsync(Node[LipsyncSettings]):
    """expression.lipsync: open and shape the mouth by the sound of the reply.

    audio (Audio, 48 kHz, as it is played or, better, as it is coming) -> mouth (Mouth, a value every 20 ms, at the
    same samples; `born`: when the first of them leaves, if the sound said so)

    A frame that is `final` ends the sound: the mouth closes, whatever was told of later samples.
    """

    inputs = (Port("audio", Audio, rate=RATE, dtype="f32", frame_ms=20),)
    outputs = (Port("mouth", Mouth),)

    def __init__(self, settings: LipsyncSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._curve = MouthCurve(RATE, STEP)
        self._last = Audio()  # frame heard last
        self._born = 0  # when it leaves
        self._start = 0  # sample where the values below begin
        self._shapes: list[Shape] = []
        self._sent: tuple[list[Shape], int] | None = None  # the last values that were sent, and of which reply

    def process(self, port: str, frame: Audio) -> None:
        if len(frame.samples):
            if frame.pts != self._start + len(self._shapes) * STEP:
                self._send()
                self._start, self._sent = frame.pts, None
            self._born = self._born if self._shapes else frame.born
            self._last = frame
            self._shapes += self._curve.feed(frame.samples.astype(np.float32, copy=False))
            if len(self._shapes) * STEP * 1000 >= self.settings.batch_ms * RATE:
                self._send()
        if frame.final:
            self._send()
            self._curve.reset()
            self._sent = None
            closed, no_vowels = (0.0,) * SHUT, ((0.0,) * 5,) * SHUT
            pts = frame.pts + len(frame.samples)
            self.emit("mouth", Mouth(step=STEP, pts=pts, open=closed, form=closed, vowels=no_vowels))

    def cut(self, cut: TurnCut) -> None:
        self._curve.reset()
        self._shapes, self._sent = [], None

    def _send(self) -> None:
        """Send the values that wait; if their reply is dead by now, nobody gets them."""
        if self._shapes:
            if self._sent and self._sent[1] != self._last.gen:
                self._sent = None
            before = self._sent[0] if self._sent else []
            opened, formed, vowels = zip(*before, *self._shapes, strict=True)
            earlier = len(before) * STEP
            mouth = Mouth(
                step=STEP,
                pts=self._start - earlier,
                born=self._born - earlier * NS // RATE if self._born else 0,
                open=_rounded(opened),
                form=_rounded(formed),
                vowels=tuple(map(_rounded, vowels)),  # type: ignore[arg-type]
                **self._last.stamp(),
            )
            self.emit("mouth", mouth)
            kept = self.settings.repeat_ms * RATE // (1000 * STEP)
            self._sent = ([*before, *self._shapes][-kept:] if kept else [], self._last.gen)
        self._start += len(self._shapes) * STEP
        self._shapes = []


def _rounded(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(value, 2) for value in values)

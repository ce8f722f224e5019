"""expression.lipsync: the mouth that goes with the sound being heard."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from vaidol.graph.frames import Audio, Mouth
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.expression._mouth import MouthCurve

RATE = 48_000  # Hz
STEP = 960  # samples for each value of the mouth, 20 ms


class LipsyncSettings(Settings):
    batch_ms: int = Field(40, ge=20, le=500)
    """The mouth is sent for this much sound at a time, ms; the first value of a batch comes so much later."""


class Lipsync(Node[LipsyncSettings]):
    """expression.lipsync: open and shape the mouth by the sound of the reply.

    audio (Audio, 48 kHz, as it is played) -> mouth (Mouth, a value every 20 ms, at the same samples)

    A frame that is `final` ends the sound: the mouth closes.
    """

    inputs = (Port("audio", Audio, rate=RATE, dtype="f32", frame_ms=20),)
    outputs = (Port("mouth", Mouth),)

    def __init__(self, settings: LipsyncSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._curve = MouthCurve(RATE, STEP)
        self._last = Audio()  # frame heard last
        self._start = 0  # sample where the values below begin
        self._open: list[float] = []
        self._form: list[float] = []

    def process(self, port: str, frame: Audio) -> None:
        if len(frame.samples):
            if frame.pts != self._start + len(self._open) * STEP:
                self._send()
                self._start = frame.pts
            self._last = frame
            opened, formed = self._curve.feed(frame.samples.astype(np.float32, copy=False))
            self._open += opened
            self._form += formed
            if len(self._open) * STEP * 1000 >= self.settings.batch_ms * RATE:
                self._send()
        if frame.final:
            self._send()
            self._curve.reset()
            self.emit("mouth", Mouth(step=STEP, pts=frame.pts + len(frame.samples), open=(0.0,), form=(0.0,)))

    def cut(self, cut: TurnCut) -> None:
        self._curve.reset()
        self._open, self._form = [], []

    def _send(self) -> None:
        """Send the values that wait; if their reply is dead by now, nobody gets them."""
        if self._open:
            opened, formed = (tuple(round(value, 3) for value in values) for values in (self._open, self._form))
            last = self._last
            mouth = Mouth(step=STEP, pts=self._start, open=opened, form=formed, gen=last.gen, trace=last.trace)
            self.emit("mouth", mouth)
        self._start += len(self._open) * STEP
        self._open, self._form = [], []

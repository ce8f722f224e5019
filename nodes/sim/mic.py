"""sim.mic: the user's voice in a scenario."""

from __future__ import annotations

from vaidol.graph.frames import Audio
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scenario_stage import RATE, Stage


class SimMic(Node[Settings]):
    """sim.mic: send what the user of the scenario says, silence between.  -> audio (Audio, 16 kHz, 20 ms)

    Words are a buzz as loud as speech; sound files are what they are.
    """

    outputs = (Port("audio", Audio, rate=RATE, dtype="f32", frame_ms=20),)

    async def open(self) -> None:
        self._stage: Stage = self.ctx.end("scenario")
        self.ctx.each_tick(self._tick)

    def _tick(self, skipped: int) -> None:
        pts, samples = self._stage.microphone()
        self.emit("audio", Audio(samples=samples, rate=RATE, pts=pts, born=self.ctx.clock.ns()))

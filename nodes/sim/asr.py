"""sim.asr: understands the user of a scenario by its script."""

from __future__ import annotations

from pydantic import Field

from vaidol.graph.frames import Transcript, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scenario_stage import RATE, Stage


class SimAsrSettings(Settings):
    ms: float = Field(200.0, ge=0, le=600_000)
    """Time that recognizing takes, ms."""


class SimAsr(Node[SimAsrSettings]):
    """sim.asr: the words of the script that fall into the utterance.

    audio (Utterance), partial (Utterance) -> transcript (Transcript; of `audio` final, empty when nothing was said)
    """

    inputs = (Port("audio", Utterance), Port("partial", Utterance, optional=True))
    outputs = (Port("transcript", Transcript),)

    async def open(self) -> None:
        self._stage: Stage = self.ctx.end("scenario")

    async def process(self, port: str, frame: Utterance) -> None:
        begin = frame.pts * RATE // frame.rate
        text = self._stage.words(begin, begin + len(frame.samples) * RATE // frame.rate)
        await self.ctx.clock.sleep(self.settings.ms / 1000)
        if port == "partial":
            self.emit("transcript", Transcript(text=text, born=self.ctx.clock.ns(), **frame.stamp()))
            return
        self.ctx.mark(frame.trace, "asr_done")
        self.ctx.events.publish("transcript", node=self.ctx.node, gen=frame.gen, trace=frame.trace, text=text)
        born = self.ctx.clock.ns()
        self.emit("transcript", Transcript(text=text, final=True, born=born, gen=frame.gen, trace=frame.trace))

"""The base of every end that plays: takes reply audio, releases 20 ms per tick, reports what was played."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, TypeVar

from vaidol.graph.frames import Audio, Mark
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.pacer import RATE, Pacer, Packet
from vaidol.graph.ports import Port
from vaidol.nodes._ahead import Ahead

S = TypeVar("S", bound=Settings)


class Paced(Node[S]):
    """audio (Audio, 48 kHz) -> spoken (Mark: what the playout cursor passed), played (Audio, 48 kHz, as it leaves),
    coming (Audio, 48 kHz, the same up to 120 ms before it leaves; see `Ahead`), others (Audio, 48 kHz, what others in
    the same room say; the listener hears it too).

    `played` flows only while there is sound; its last frame of a stretch is `final` and empty.
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("audio", Audio, rate=RATE, dtype="f32"),)
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("spoken", Mark),
        Port("played", Audio, rate=RATE, dtype="f32", frame_ms=20),
        Port("coming", Audio, rate=RATE, dtype="f32", frame_ms=20),
        Port("others", Audio, rate=RATE, dtype="f32", frame_ms=20),
    )
    paces = True
    carries = ("pacer", "_sounding", "_ahead")

    def __init__(self, settings: S, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.pacer = Pacer(ctx.fence)
        self._sounding = 0  # generation heard in the last packet
        self._ahead = Ahead(self.pacer)

    async def open(self) -> None:
        self.ctx.each_tick(self._tick)

    async def process(self, port: str, frame: Audio) -> None:
        if len(frame.samples) and frame.of is not None and frame.of.text:
            self.ctx.mark(frame.trace, "voice_first")
        await self.pacer.room()
        self.pacer.push(frame)

    @abstractmethod
    def release(self, packet: Packet) -> None:
        """Hand one packet to the listener."""

    def import_state(self, state: dict[str, Any]) -> None:
        """The queue and the cursor go on: what was to be played is played, and its times continue."""
        super().import_state(state)
        self.ctx.fence.playout = self.pacer

    def cut(self, cut: TurnCut) -> None:
        self._silence(cut.gen)
        self._tell(self._ahead.stop(self.pacer.pts))

    def _tick(self, skipped: int) -> None:
        packet = self.pacer.pull(skipped)
        self.release(packet)
        self._tell(self._ahead.look(packet, self.ctx.clock.ns()))
        if packet.gen and not self._sounding:
            self.ctx.fence.spoke(packet.gen)
        for mark in packet.marks:
            if mark.kind == "sentence_start" and mark.sentence is not None and mark.sentence.text:  # no filler
                self.ctx.mark(mark.trace, "first_sound")
                said = mark.sentence.text if mark.sentence is not None else ""
                self.ctx.events.publish("reply", node=self.ctx.node, gen=mark.gen, trace=mark.trace, text=said)
            self.emit("spoken", mark)
        if packet.gen:
            self._sounding = packet.gen
            self.emit("played", Audio(samples=packet.samples, rate=RATE, pts=packet.pts, gen=packet.gen))
        else:
            self._silence(self._sounding)
        for mark in packet.marks:
            if mark.kind == "reply_end":
                self._silence(mark.gen)
                self.ctx.fence.played_out(mark.gen)

    def _tell(self, coming: list[Audio]) -> None:
        for frame in coming:
            self.emit("coming", frame)

    def _silence(self, gen: int) -> None:
        """Say once that no more sound of `gen` is coming for now."""
        if gen and gen == self._sounding:
            self._sounding = 0
            self.emit("played", Audio(rate=RATE, pts=self.pacer.pts, final=True))

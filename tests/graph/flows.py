"""Pass-through nodes of every shape, and the balance that every edge keeps."""

from __future__ import annotations

from typing import Any

from vaidol.graph.frames import Audio, Frame
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph

SOUND = [(0.02 * i, Audio(seq=i)) for i in range(5)]


class Through(Node[Settings]):
    """Hands on at once."""

    inputs = (Port("audio", Audio, many=True),)
    outputs = (Port("audio", Audio, like="audio"),)

    def process(self, port: str, frame: Frame) -> None:
        self.emit("audio", frame)


class Later(Through):
    """Hands on from a mailbox."""

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        self.emit("audio", frame)


class Slow(Through):
    """Takes 100 ms per frame."""

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        await self.ctx.clock.sleep(0.1)
        self.emit("audio", frame)


def balanced(graph: Graph) -> None:
    for edge in graph.edges:
        assert edge.entered == edge.taken + edge.dropped + edge.stale + len(edge.queue), edge.plan.name


def seqs(frames: list[Any]) -> list[int]:
    return [frame.seq for frame in frames]

"""A hundred changes of a call at 50 frames a second, on the real clock: what is lost, reordered, how long it halts.

The frames come from the ticker as a microphone's do, pass through two nodes, and are noted where they arrive. One of
the nodes is changed every tenth of a second: its settings, its kind (on the spot, from a mailbox, on a thread), or one
more is put in behind it or taken out again.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import numpy as np

from vaidol.graph.clock import busy_s
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.node import Node, Settings
from vaidol.graph.plan import Plan
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.graph.swap import Change

EVERY_S = 0.1
SOUND = np.zeros(320, np.float32)  # 20 ms at 16 kHz


class Gain(Settings):
    gain: float = 1.0
    """Factor."""


class Mic(Node[Settings]):
    """A frame each tick."""

    outputs = (Port("audio", Audio, rate=16_000, dtype="f32"),)

    async def open(self) -> None:
        self._seq = 0
        self.ctx.each_tick(self._tick)

    def _tick(self, skipped: int) -> None:
        self.emit("audio", Audio(samples=SOUND, seq=self._seq, pts=self._seq * 320))
        self._seq += 1


class Filter(Node[Gain]):
    """On the spot."""

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)

    def process(self, port: str, frame: Audio) -> Any:
        self.emit("audio", Audio(samples=frame.samples * self.settings.gain, seq=frame.seq, pts=frame.pts))


class Later(Filter):
    """From a mailbox, 4 ms each."""

    async def process(self, port: str, frame: Audio) -> None:
        await self.ctx.clock.sleep(0.004)
        super().process(port, frame)


class Ear(Node[Settings]):
    """Notes what comes, and when."""

    inputs = (Port("audio", Audio),)

    async def open(self) -> None:
        self.came: list[tuple[float, int]] = []

    def process(self, port: str, frame: Frame) -> None:
        self.came.append((busy_s(), frame.seq))


KINDS: dict[str, type[Node[Any]]] = {"b.mic": Mic, "b.filter": Filter, "b.later": Later, "b.ear": Ear}
REGISTRY = Registry(extra=KINDS, outside=False)


def variant(number: int) -> Plan:
    """The graph of change `number`."""
    place = {"place": "thread"} if number % 4 == 2 else {}
    use = "b.later" if number % 4 == 1 else "b.filter"
    nodes: dict[str, Any] = {
        "mic": {"use": "b.mic"}, "one": {"use": use, "with": {"gain": 1 + number % 7}, **place},
        "two": {"use": "b.filter"}, "ear": {"use": "b.ear"},
    }  # fmt: skip
    edges = ["mic.audio -> one.audio", "one.audio -> two.audio", "two.audio -> ear.audio"]
    if number % 4 == 3:
        nodes["more"] = {"use": "b.filter"}
        edges = [*edges[:1], "one.audio -> more.audio", "more.audio -> two.audio", edges[2]]
    return compile_plan(from_dict({"version": 1, "name": "swaps", "nodes": nodes, "edges": edges}), REGISTRY)


def main(quick: bool) -> dict[str, Any]:
    """The figures."""
    return asyncio.run(_measure(20 if quick else 100))


async def _measure(swaps: int) -> dict[str, Any]:
    engine, changes = Engine(REGISTRY), list[Change]()
    plans = [variant(number) for number in range(swaps + 1)]
    async with Graph(plans[0], engine) as graph:
        ear = graph.node("ear")
        await asyncio.sleep(0.3)
        begun = len(ear.came)
        for plan in plans[1:]:
            changes.append(await graph.swaps.apply(plan))
            await asyncio.sleep(EVERY_S)
        disturbed = len(ear.came)
        await asyncio.sleep((disturbed - begun) * 0.02)  # as long without changes: the machine halts by itself as well
        dropped = sum(edge.dropped + edge.stale for edge in graph.edges)
        sent = graph.node("mic")._seq
    engine.close()
    seqs = [seq for _, seq in ear.came]
    gaps = [(b[0] - a[0]) * 1e3 for a, b in zip(ear.came, ear.came[1:], strict=False)]
    changing, quiet = sorted(gaps[begun:disturbed]), sorted(gaps[disturbed:])
    handed = sorted(change.gap_ms for change in changes)
    return {
        "swaps": len(changes),
        "frames": len(seqs),
        "lost": sent - len(set(seqs)),
        "dropped": dropped,
        "reordered": sum(b < a for a, b in itertools.pairwise(seqs)),
        "longest_gap_ms": max(changing),
        "longest_gap_without_swaps_ms": max(quiet),
        "gap_p90_ms": changing[len(changing) * 9 // 10],
        "gap_p90_without_swaps_ms": quiet[len(quiet) * 9 // 10],
        "hand_over_p50_ms": handed[len(handed) // 2],
        "hand_over_max_ms": handed[-1],
    }

"""Random graphs compile or name why; those that compile run, keep order, and count every frame."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import numpy as np

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import PipelineError
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.node import Node, Settings
from vaidol.graph.plan import Plan
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.tests.graph import kinds
from vaidol.tests.graph.flows import balanced

ROUNDS = 400
POLICIES = [{}, {}, {}, {"policy": "block", "bound": 2}, {"policy": "drop_oldest", "bound": 3}, {"policy": "latest"},
            {"bound_ms": 60}, {"feedback": True}, {"feedback": True, "policy": "latest"}]  # fmt: skip


class Mix(Node[Settings]):
    """Hands everything on, one by one."""

    inputs = (Port("audio", Audio, many=True),)
    outputs = (Port("audio", Audio, like="audio"),)

    def process(self, port: str, frame: Frame) -> None:
        self.emit("audio", frame)


class SlowMix(Mix):
    """The same with a wait."""

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        await self.ctx.clock.sleep(0.005)
        await self.send("audio", frame)


class Replies(Mix):
    """Makes every frame part of the newest reply."""

    replies = True

    def process(self, port: str, frame: Audio) -> None:  # type: ignore[override]
        gen = frame.gen or self.ctx.fence.newest
        self.emit("audio", Audio(samples=frame.samples, rate=frame.rate, seq=frame.seq, gen=gen))


class Fails(Mix):
    """Fails on every third frame."""

    def process(self, port: str, frame: Frame) -> None:
        if frame.seq % 3 == 2:
            raise ValueError("third")
        self.emit("audio", frame)


class Mic24(kinds.Mic):
    """24 kHz in int16."""

    outputs = (Port("audio", Audio, rate=24_000, dtype="i16"),)

    async def run(self) -> None:
        for i in range(self.settings.frames):
            await self.ctx.clock.sleep(self.settings.every_ms / 1000)
            self.emit("audio", Audio(samples=np.zeros(480, np.int16), rate=24_000, seq=i, pts=i * 480))


OWN: dict[str, type[Node[Any]]] = {
    "x.mix": Mix, "x.slow": SlowMix, "x.replies": Replies, "x.fails": Fails, "x.mic24": Mic24, "t.mic": kinds.Mic,
    "t.ear": kinds.Ear, "t.ear16": kinds.Ear16,
}  # fmt: skip
REGISTRY = Registry("vaidol.nodes", extra=OWN)


def drawn(dice: random.Random) -> dict[str, Any]:
    """Mostly sensible, seldom right."""
    names = [f"n{i}" for i in range(dice.randrange(2, 9))]
    nodes: dict[str, Any] = {name: {"use": dice.choice(list(OWN))} for name in names}
    nodes["n0"]["use"] = "t.mic"
    for name in names:
        if dice.random() < 0.15:
            nodes[name] |= {
                "fallback": dice.choice(names),
                "on_error": {"policy": dice.choice(["fallback", "restart"])},
            }
        if dice.random() < 0.05:
            nodes[name]["place"] = "thread"
    edges = []
    for at, name in enumerate(names[1:], 1):
        for _ in range(dice.choice([1, 1, 1, 2])):
            source = dice.choice(names[:at] if dice.random() < 0.9 else names)
            edges.append({"from": f"{source}.audio", "to": f"{name}.audio", **dice.choice(POLICIES)})
    return {"version": 1, "name": "drawn", "nodes": nodes, "edges": edges}


async def talked(plan: Plan, dice: random.Random) -> None:
    """Run it for a while, with turns that begin and are cut."""
    engine = Engine(REGISTRY)
    async with Graph(plan, engine) as graph:
        for trace in range(1, 6):
            gen = graph.fence.begin(trace, speculative=dice.random() < 0.3)
            await asyncio.sleep(dice.random() * 0.03)
            dice.choice([graph.fence.cut, lambda _, gen=gen: graph.fence.commit(gen)])("test")
            balanced(graph)
        graph.fence.cut("end")
        await asyncio.sleep(1)
        balanced(graph)
        assert not any(edge.queue for edge in graph.edges if not edge.target.failed and not edge.target.paused)
        assert graph.ended.done() is False
    assert graph.ended.result() == "stopped"
    engine.close()


def test_random_graphs_compile_and_run_or_name_why() -> None:
    dice, ran = random.Random(3), 0
    for _ in range(ROUNDS):
        spec = drawn(dice)
        try:
            plan = compile_plan(from_dict(spec, partial=True), REGISTRY)
        except PipelineError as error:
            told = [problem.message for problem in error.problems]
        else:
            circles = any(edge.feedback for edge in plan.edges)
            assert plan == compile_plan(from_dict(spec), REGISTRY)
            if not circles:  # a frame goes round in a circle of nodes that hand everything on for ever
                run_virtual(talked(plan, dice))
                ran += 1
            continue
        assert told
        assert all(told)
    assert ROUNDS // 20 < ran < ROUNDS

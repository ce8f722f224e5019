"""Random changes of random graphs: every edge stays balanced, nothing stale is heard, and sound loses no frame."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from typing import Any

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.diff import MOMENTS, placed
from vaidol.graph.engine import Engine
from vaidol.graph.errors import PipelineError
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.generations import DEAD
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.plan import Plan
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.graph.swap import Busy
from vaidol.tests.graph.flows import balanced, seqs
from vaidol.tests.graph.swapping import KINDS as SWAPPING
from vaidol.tests.graph.swapping import Ear
from vaidol.tests.graph.test_random_graphs import OWN, drawn

GRAPHS, CHAINS, CHANGES = 60, 25, 6


class StaleEar(Node[Settings]):
    """Notes frames that were dead when they came, except where it hears the input lane."""

    inputs = (Port("audio", Audio, many=True),)

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.stale = 0

    def process(self, port: str, frame: Frame) -> None:
        self.stale += frame.gen > 0 and self.ctx.fence.life[frame.gen] == DEAD


REGISTRY = Registry("vaidol.nodes", extra={**OWN, **SWAPPING, "t.ear": StaleEar})


def compiled(spec: dict[str, Any]) -> Plan | None:
    try:
        plan = compile_plan(from_dict(spec, partial=True), REGISTRY)
    except PipelineError:
        return None
    return None if any(edge.feedback for edge in plan.edges) else plan


async def changed(plans: list[Plan], dice: random.Random) -> int:
    """Go from plan to plan while replies begin and die. Returns how many frames came stale."""
    engine, stale = Engine(REGISTRY), 0
    async with Graph(plans[0], engine) as graph:
        for trace, plan in enumerate(plans[1:], 1):
            ears = [cell.node for cell in graph.cells.values() if isinstance(cell.node, StaleEar)]
            change = asyncio.ensure_future(graph.swaps.apply(plan, dice.choice(MOMENTS)))
            gen = graph.fence.begin(trace, speculative=dice.random() < 0.3)
            await asyncio.sleep(dice.random() * 0.03)
            balanced(graph)
            dice.choice([graph.fence.cut, lambda _, gen=gen: graph.fence.commit(gen)])("test")
            await asyncio.sleep(dice.random() * 0.05)
            graph.fence.cut("end")
            with contextlib.suppress(Busy):  # a node that fails at its first work is just being taken back
                await change
            balanced(graph)
            assert set(graph.cells) == set(placed(graph.plan))
            assert [edge.plan.name for edge in graph.edges] == [edge.name for edge in graph.plan.edges]
            assert all(edge.target is graph.cells[edge.plan.target] for edge in graph.edges)
            stale += sum(ear.stale for ear in ears)
        await asyncio.sleep(1)
        balanced(graph)
        assert not any(edge.queue for edge in graph.edges if not edge.target.failed and not edge.target.paused)
    engine.close()
    return stale


def test_random_changes_of_random_graphs_keep_the_balance_and_speak_nothing_stale() -> None:
    dice, ran = random.Random(5), 0
    while ran < GRAPHS:
        plans = [plan for _ in range(120) if (plan := compiled(drawn(dice))) is not None][:CHANGES]
        if len(plans) > 1:
            assert run_virtual(changed(plans, dice)) == 0
            ran += len(plans) - 1


def chain(dice: random.Random) -> dict[str, Any]:
    """A microphone through one to five filters, some on the spot and some from a mailbox."""
    names = [f"n{i}" for i in range(dice.randrange(1, 6))]
    nodes: dict[str, Any] = {"mic": {"use": "s.mic"}}
    nodes |= {name: {"use": dice.choice(["s.dsp", "s.slow"]), "with": {"gain": dice.randrange(1, 4)}} for name in names}
    ends = ["mic", *names, "ear"]
    edges = [f"{a}.audio -> {b}.audio" for a, b in itertools.pairwise(ends)]
    return {"version": 1, "name": "chain", "nodes": {**nodes, "ear": {"use": "s.ear"}}, "edges": edges}


async def filtered(dice: random.Random) -> list[Audio]:
    """Change every filter again and again, at frames; the chain's length stays."""
    spec = chain(dice)
    engine = Engine(REGISTRY)
    async with Graph(compile_plan(from_dict(spec), REGISTRY), engine) as graph:
        ear = graph.node("ear")
        for _ in range(CHANGES * 2):
            for name in spec["nodes"]:
                if name not in ("mic", "ear") and dice.random() < 0.6:
                    use, gain = dice.choice(["s.dsp", "s.slow"]), dice.randrange(1, 9)
                    spec["nodes"][name] = {"use": use, "with": {"gain": gain, "open_s": dice.random() * 0.1}}
            await graph.swaps.apply(compile_plan(from_dict(spec), REGISTRY))
            await asyncio.sleep(dice.random() * 0.1)
            balanced(graph)
        await asyncio.sleep(0.5)
        assert isinstance(ear, Ear)
        dropped = sum(edge.dropped + edge.stale for edge in graph.edges)
        assert dropped == 0
    engine.close()
    return ear.heard


def test_changing_filters_loses_and_reorders_no_frame() -> None:
    dice = random.Random(9)
    for _ in range(CHAINS):
        heard = run_virtual(filtered(dice))
        assert seqs(heard) == list(range(len(heard)))
        assert len(heard) > 30

"""A cut ends the work on a reply at once, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.tests.graph.flows import balanced
from vaidol.tests.graphs import running, sink, source


def replying(work: Any, when: list[float]) -> Any:
    """A reply node that runs `work(node, frame)` per frame of generation 1, 2 …; the fence is cut at each of `when`."""
    cuts: list[TurnCut] = []

    class Worker(Node[Settings]):
        inputs = (Port("in", Audio),)
        outputs = (Port("out", Audio),)
        replies = True

        async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
            await work(self, frame)

        def cut(self, cut: TurnCut) -> None:
            cuts.append(cut)

    async def main() -> Any:
        nodes = {"mic": source(Audio, []), "w": Worker, "ear": sink(Audio)}
        async with running(nodes, ["mic.out -> w.in", "w.out -> ear.in"]) as graph:
            for wait in when:
                gen = graph.fence.begin(1)
                graph.node("mic").emit("out", Audio(gen=gen, seq=gen))
                await asyncio.sleep(wait)
                graph.fence.cut("test")
                await asyncio.sleep(0)
            await asyncio.sleep(1)
            gen = graph.fence.begin(1)
            graph.node("mic").emit("out", Audio(gen=gen, seq=gen))
            await asyncio.sleep(10)
            assert graph.cells["w"].current is None
            got = [frame.gen for _, frame in graph.node("ear").__dict__.get("got", [])]
            graph.fence.cut("end")
            balanced(graph)
        return got, cuts, [event.text for event in graph.events if event.name == "error"]

    return run_virtual(main())


@pytest.mark.parametrize("wait", [0.0, 0.05])
def test_a_cut_ends_the_work_and_not_the_node(wait: float) -> None:
    """wait 0: the cut falls between the first step and the task's taking over."""
    ended: list[str] = []

    async def work(node: Node[Any], frame: Frame) -> None:
        try:
            await node.ctx.clock.sleep(0.1)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        node.emit("out", frame)

    got, cuts, errors = replying(work, [wait, wait, wait])
    assert got == [4]
    assert ended == ["cancelled"] * 3
    assert len(cuts) == 4
    assert errors == []


def test_a_cut_reaches_what_the_work_awaits() -> None:
    inner: list[str] = []

    async def child() -> None:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            inner.append("cancelled")
            raise

    async def work(node: Node[Any], frame: Frame) -> None:
        await asyncio.create_task(child())
        node.emit("out", frame)

    got, _, errors = replying(work, [0.0, 0.5])
    assert got == [3]
    assert inner == ["cancelled"] * 2
    assert errors == []


def test_work_that_swallows_its_cancellation_does_not_harm_the_next() -> None:
    async def work(node: Node[Any], frame: Frame) -> None:
        try:
            await node.ctx.clock.sleep(0.1)
        except asyncio.CancelledError:
            return
        await node.ctx.clock.sleep(0.1)
        node.emit("out", frame)

    assert replying(work, [0.05, 0.05])[0] == [3]


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("first_waits", [False, True])
def test_a_node_may_cut_its_own_reply(waits: bool, first_waits: bool) -> None:
    async def work(node: Node[Any], frame: Frame) -> None:
        if first_waits:
            await node.ctx.clock.sleep(0.01)
        if frame.gen == 1:
            node.ctx.fence.fail(1, "said a blocked word")
            if waits:
                await node.ctx.clock.sleep(0.01)
        node.emit("out", frame)

    got, _, errors = replying(work, [0.5])
    assert got == [2]
    assert errors == []


def test_own_tasks_die_with_their_generation_and_late_frames_are_stale() -> None:
    class Chatter(Node[Settings]):
        inputs = (Port("in", Audio),)
        outputs = (Port("out", Audio),)
        replies = True

        def process(self, port: str, frame: Frame) -> None:
            async def go_on() -> None:
                while True:
                    try:
                        await self.ctx.clock.sleep(0.02)
                    except asyncio.CancelledError:
                        self.emit("out", frame)  # the fence must catch what the cancel does not
                        raise
                    self.emit("out", frame)

            self.ctx.spawn(go_on(), gen=frame.gen)

    async def main() -> None:
        nodes = {"mic": source(Audio, []), "c": Chatter, "ear": sink(Audio)}
        async with running(nodes, ["mic.out -> c.in", "c.out -> ear.in"]) as graph:
            gen = graph.fence.begin(1)
            graph.node("mic").emit("out", Audio(gen=gen))
            await asyncio.sleep(0.1)
            count = len(graph.node("ear").got)
            assert count >= 4
            graph.fence.cut("test")
            await asyncio.sleep(0.1)
            assert len(graph.node("ear").got) == count
            assert graph.edges[1].stale == 1
            late = graph.node("c").ctx.spawn(asyncio.sleep(9), gen=gen)  # of a dead generation: never runs
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert late.cancelled()

    run_virtual(main())

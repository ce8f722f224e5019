"""Frames move in order, asynchronous nodes behave as tasks from their first step on, and overload stays bounded.

Long because every rule of moving frames is tried on the same small graphs.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio, Frame, Transcript
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.tests.graphs import play, running, sink, source

SOUND = [(0.02 * i, Audio(seq=i)) for i in range(5)]
WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


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


@pytest.mark.parametrize("kind", [Through, Later, Slow])
def test_frames_arrive_in_order(kind: type[Node[Any]]) -> None:
    nodes = {"mic": source(Audio, SOUND, rate=16_000), "a": kind, "b": kind, "ear": sink(Audio)}
    result = play(nodes, ["mic.out -> a.audio", "a.audio -> b.audio", "b.audio -> ear.in"])
    assert seqs(result.frames("ear")) == [0, 1, 2, 3, 4]
    balanced(result.graph)


def test_fan_out_follows_the_order_of_the_file() -> None:
    order: list[str] = []

    class Noting(Node[Settings]):
        inputs = (Port("in", Audio),)

        def process(self, port: str, frame: Frame) -> None:
            order.append(self.ctx.node)

    nodes = {"mic": source(Audio, SOUND[:1]), "x": Noting, "y": Noting, "z": Noting}
    play(nodes, ["mic.out -> z.in", "mic.out -> x.in", "mic.out -> y.in"])
    assert order == ["z", "x", "y"]


def test_a_chain_of_a_thousand_nodes_does_not_nest() -> None:
    names = [f"n{i}" for i in range(1000)]
    nodes = {"mic": source(Audio, SOUND[:1]), **dict.fromkeys(names, Through), "ear": sink(Audio)}
    ways = ["mic.out", *[f"{name}.audio" for name in names]]
    targets = [*[f"{name}.audio" for name in names], "ear.in"]
    result = play(nodes, [f"{a} -> {b}" for a, b in zip(ways, targets, strict=True)])
    assert len(result.frames("ear")) == 1


def test_ten_times_overload_keeps_lag_and_memory_bounded() -> None:
    frames = [(0.01 * i, Audio(samples=Audio().samples, seq=i)) for i in range(6000)]
    nodes = {"mic": source(Audio, frames, rate=16_000), "slow": Slow, "ear": sink(Audio)}
    edge = {"from": "mic.out", "to": "slow.audio", "policy": "drop_oldest", "bound": 4}
    result = play(nodes, [edge, "slow.audio -> ear.in"])
    entry = result.graph.edges[0]
    assert entry.high <= 4
    assert entry.dropped > 5000
    balanced(result.graph)
    lags = [at - 0.01 * frame.seq for at, frame in result.at("ear")]
    assert max(lags) < 0.7  # 4 queued + 1 in work, 100 ms each, and the node's own 100 ms


def test_back_pressure_reaches_the_source() -> None:
    class Eager(Node[Settings]):
        outputs = (Port("out", Audio, rate=16_000),)
        replies = True

        async def run(self) -> None:
            for i in range(50):
                await self.send("out", Audio(seq=i))

    nodes = {"eager": Eager, "pass": Through, "slow": Slow, "ear": sink(Audio)}
    edges = [
        "eager.out -> pass.audio",
        {"from": "pass.audio", "to": "slow.audio", "policy": "block", "bound": 3},
        "slow.audio -> ear.in",
    ]
    result = play(nodes, edges)
    assert seqs(result.frames("ear")) == list(range(50))
    assert result.graph.edges[1].high == 3
    assert result.graph.edges[1].dropped == 0


def test_latest_keeps_the_newest_only() -> None:
    frames = [(0.0, Audio(seq=i)) for i in range(10)]
    nodes = {"mic": source(Audio, frames), "slow": Slow, "ear": sink(Audio)}
    result = play(nodes, [{"from": "mic.out", "to": "slow.audio", "policy": "latest"}, "slow.audio -> ear.in"])
    assert seqs(result.frames("ear")) == [0, 9]


def test_losing_nothing_without_bound_ends_the_session() -> None:
    class Stuck(Node[Settings]):
        inputs = (Port("in", Transcript),)

        async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
            await self.ctx.clock.sleep(1e6)

    frames = [(0.0, Transcript(seq=i)) for i in range(5000)]
    result = play({"asr": source(Transcript, frames), "stuck": Stuck}, ["asr.out -> stuck.in"], seconds=1)
    assert "4096" in result.graph.ended.result()
    assert len(result.named("alarm")) == 1
    balanced(result.graph)


def test_a_circle_of_nodes_that_never_wait_leaves_the_loop_free() -> None:
    class Head(Node[Settings]):
        inputs = (Port("audio", Audio), Port("back", Audio, optional=True))
        outputs = (Port("audio", Audio, like="audio"),)

        def process(self, port: str, frame: Frame) -> None:
            self.emit("audio", frame)

    for kind in (Head, type("AsyncHead", (Head,), {"process": Later.process})):
        nodes = {"mic": source(Audio, SOUND[:1]), "a": kind, "b": Through}
        back = {"from": "b.audio", "to": "a.back", "feedback": True}

        async def turns(graph: Graph) -> None:
            for _ in range(50):
                await asyncio.sleep(0)

        result = play(nodes, ["mic.out -> a.audio", "a.audio -> b.audio", back], do=turns)
        assert 5 < result.graph.cells["b"].count < 100


# asynchronous nodes are tasks from their first step on


def stepping(work: Any, frames: int = 1) -> Any:
    """Run `work(node, frame)` as the asynchronous `process` of a node; returns the result of the run."""

    class Worker(Node[Settings]):
        inputs = (Port("in", Audio),)
        outputs = (Port("out", Audio),)

        async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
            await work(self, frame)

    nodes = {"mic": source(Audio, [(i * 1.0, Audio(seq=i)) for i in range(frames)]), "w": Worker, "ear": sink(Audio)}
    return play(nodes, ["mic.out -> w.in", "w.out -> ear.in"])


def test_the_first_step_runs_in_the_nodes_own_task_and_context() -> None:
    seen: list[Any] = []

    async def work(node: Node[Any], frame: Frame) -> None:
        seen.append((asyncio.current_task(), WHO.get()))
        token = WHO.set("worker")
        if frame.seq == 1:
            await asyncio.sleep(0)
        seen.append((asyncio.current_task(), WHO.get()))
        WHO.reset(token)
        node.emit("out", frame)

    result = stepping(work, frames=3)
    tasks = {task for task, _ in seen}
    assert len(tasks) == 1
    assert "w" in next(iter(tasks)).get_name()
    assert [who for _, who in seen] == ["nobody", "worker"] * 3
    assert seqs(result.frames("ear")) == [0, 1, 2]


def test_the_emitters_task_is_the_current_one_again_afterwards() -> None:
    seen: list[bool] = []

    async def main() -> None:
        nodes = {"mic": source(Audio, []), "l": Later, "ear": sink(Audio)}
        async with running(nodes, ["mic.out -> l.audio", "l.audio -> ear.in"]) as graph:
            await asyncio.sleep(0.01)
            me = asyncio.current_task()
            graph.node("mic").emit("out", Audio())
            seen.append(asyncio.current_task() is me)
            async with asyncio.timeout(1):
                graph.node("mic").emit("out", Audio())
                await asyncio.sleep(0)
            seen.append(len(graph.node("ear").got) == 2)

    run_virtual(main())
    assert seen == [True, True]


@pytest.mark.parametrize("limit", [0, 0.1])
def test_a_deadline_set_in_the_first_step_holds(limit: float) -> None:
    caught: list[str] = []

    async def work(node: Node[Any], frame: Frame) -> None:
        try:
            async with asyncio.timeout(limit):
                await node.ctx.clock.sleep(10)
        except TimeoutError:
            caught.append("late")
        node.emit("out", frame)

    result = stepping(work, frames=2)
    assert caught == ["late", "late"]
    assert seqs(result.frames("ear")) == [0, 1]


def test_a_group_in_the_first_step_works() -> None:
    done: list[int] = []

    async def work(node: Node[Any], frame: Frame) -> None:
        async def part(i: int) -> None:
            await node.ctx.clock.sleep(0.01 * i)
            done.append(i)

        async with asyncio.TaskGroup() as group:
            for i in range(3):
                group.create_task(part(i))
        node.emit("out", frame)

    assert len(stepping(work, frames=2).frames("ear")) == 2
    assert done == [0, 1, 2, 0, 1, 2]


def test_an_error_before_and_after_waiting_is_supervised_and_the_next_frame_is_served() -> None:
    async def work(node: Node[Any], frame: Frame) -> None:
        if frame.seq == 1:
            raise ValueError("before")
        await node.ctx.clock.sleep(0.01)
        if frame.seq == 2:
            raise ValueError("after")
        node.emit("out", frame)

    result = stepping(work, frames=4)
    assert seqs(result.frames("ear")) == [0, 3]
    assert result.errors == ["w failed: ValueError"] * 2


def test_awaiting_something_cancelled_is_a_failure_and_not_the_end_of_the_node() -> None:
    async def work(node: Node[Any], frame: Frame) -> None:
        future = asyncio.get_running_loop().create_future()
        if frame.seq == 0:
            future.cancel()  # before waiting
        if frame.seq == 1:
            asyncio.get_running_loop().call_later(0.1, future.cancel)
        if frame.seq < 2:
            await future
        node.emit("out", frame)

    result = stepping(work, frames=3)
    assert seqs(result.frames("ear")) == [2]
    assert len(result.errors) == 2


# cuts


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
    assert inner == ["cancelled"]  # the first one was cancelled before it began
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


# threads


@contextlib.asynccontextmanager
async def on_thread(nodes: dict[str, type[Node[Any]]], edges: list[str], *names: str) -> AsyncIterator[Graph]:
    """The graph with the nodes `names` placed on threads."""
    registry = Registry(extra={f"t.{name}": kind for name, kind in nodes.items()})
    specs = {name: {"use": f"t.{name}", **({"place": "thread"} if name in names else {})} for name in nodes}
    plan = compile_plan(from_dict({"version": 1, "name": "t", "nodes": specs, "edges": edges}), registry)
    engine = Engine(registry)
    try:
        async with Graph(plan, engine) as graph:
            yield graph
    finally:
        engine.close()


def test_a_node_on_a_thread_leaves_the_loop_free_and_its_frames_in_order() -> None:
    main_thread = threading.get_ident()
    where: set[int] = set()

    class Heavy(Through):
        def process(self, port: str, frame: Frame) -> None:
            where.add(threading.get_ident())
            for part in range(3):
                self.emit("audio", Audio(seq=frame.seq * 3 + part))

    async def main() -> list[int]:
        nodes = {"mic": source(Audio, []), "h": Heavy, "ear": sink(Audio)}
        async with on_thread(nodes, ["mic.out -> h.audio", "h.audio -> ear.in"], "h") as graph:
            for i in range(20):
                graph.node("mic").emit("out", Audio(seq=i))
            while len(graph.node("ear").__dict__.get("got", [])) < 60:  # noqa: ASYNC110  # the sink has no event
                await asyncio.sleep(0.001)
            balanced(graph)
            return [frame.seq for _, frame in graph.node("ear").got]

    assert asyncio.run(main()) == list(range(60))
    assert where
    assert main_thread not in where

"""Whatever happens on an edge, nothing is lost without being counted, and no bound is passed."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaidol.graph.clock import run_virtual
from vaidol.graph.edges import Edge
from vaidol.graph.errors import Overrun
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.generations import DEAD
from vaidol.graph.node import Node, Settings
from vaidol.graph.plan import ALARM, HARD_LIMIT, PlanEdge, Policy
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.tests.graph.flows import balanced, seqs
from vaidol.tests.graphs import play, running, sink, source


class Gated(Node[Settings]):
    """Takes a frame when the test lets it."""

    inputs = (Port("in", Audio, many=True),)
    outputs = (Port("out", Audio),)

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.allowed = asyncio.Semaphore(0)

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        await self.allowed.acquire()
        self.emit("out", frame)


class Agent(Gated):
    replies = True


POLICIES: list[dict[str, Any]] = [
    {"policy": "drop_oldest", "bound": 3},
    {"policy": "drop_oldest", "bound_ms": 50},
    {"policy": "latest"},
    {"policy": "block", "bound": 2},
    {"policy": "block", "bound_ms": 30},
    {"policy": "never_drop"},
]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("emit"), st.integers(0, 40)),  # ms of sound
        st.tuples(st.just("send"), st.integers(0, 40)),
        st.tuples(st.sampled_from(["take", "begin", "speculate", "commit", "abandon", "cut", "wait"]), st.just(0)),
    ),
    max_size=40,
)


async def act(graph: Graph, what: str, ms: int, seq: int, sending: list[asyncio.Task[None]]) -> None:
    """One step of a test: something happens to the fence, the node or the edge."""
    fence, mic = graph.fence, graph.node("mic")
    frame = Audio(samples=np.zeros(16 * ms, np.float32), seq=seq, gen=fence.newest)
    if what in ("emit", "send") and any(not task.done() for task in sending):
        what = "wait"  # who waits for room sends nothing else
    if what == "emit":
        mic.emit("out", frame)
    elif what == "send":
        sending.append(asyncio.ensure_future(mic.send("out", frame)))
    elif what == "take":
        graph.node("node").allowed.release()
    elif what in ("begin", "speculate"):
        fence.begin(seq, speculative=what == "speculate")
    elif what == "commit":
        fence.commit(fence.newest)
    elif what == "abandon":
        fence.abandon(fence.newest)
    elif what == "cut":
        fence.cut("test")
    await asyncio.sleep(0 if what != "wait" else 0.01)


@given(edge=st.sampled_from(POLICIES), reply=st.booleans(), effects=st.booleans(), steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_in_is_out_and_dropped_and_stale_and_queued(edge: Any, reply: bool, effects: bool, steps: Any) -> None:
    kind: Any = type("Kind", (Agent if reply else Gated,), {"effects": effects})

    async def main() -> None:
        nodes = {"mic": source(Audio, [], rate=16_000, replies=reply), "node": kind, "ear": sink(Audio)}
        edges = [{"from": "mic.out", "to": "node.in", **edge}, "node.out -> ear.in"]
        sending: list[asyncio.Task[None]] = []
        async with running(nodes, edges) as graph:
            into = graph.edges[0]
            for seq, (what, ms) in enumerate(steps):
                await act(graph, what, ms, seq, sending)
                balanced(graph)
                assert into.depth_ms == pytest.approx(sum(frame.ms for frame, _ in into.queue) if into.bound_ms else 0)
                if edge["policy"] != "block":  # which bounds senders that wait, not those that emit
                    assert len(into.queue) <= (into.bound or HARD_LIMIT)
                    assert not into.bound_ms or len(into.queue) == 1 or into.depth_ms <= into.bound_ms
            for task in sending:
                task.cancel()
            graph.fence.cut("end")
            for _ in steps:
                graph.node("node").allowed.release()
            await asyncio.sleep(1)
            balanced(graph)
            assert not into.queue
            heard = seqs([frame for _, frame in graph.node("ear").__dict__.get("got", [])])
            assert heard == sorted(heard), "order is kept"

    run_virtual(main())


# one edge alone


class Mailbox:
    """Stands for the cell behind an edge."""

    def __init__(self) -> None:
        self.order: deque[Edge] = deque()

    def deliver(self, edge: Edge) -> None:
        self.order.append(edge)

    def forget(self, edge: Edge) -> None:
        self.order.remove(edge)


def alone(policy: Policy, *, bound: int = 0, bound_ms: float = 0.0) -> tuple[Edge, list[int]]:
    alarms: list[int] = []
    plan = PlanEdge("a", "out", "b", "in", Audio, 16_000, policy, bound_ms, bound, "input")
    mailbox: Any = Mailbox()
    return Edge(plan, mailbox, lambda edge: alarms.append(len(edge.queue))), alarms


def sound(ms: float, seq: int = 0) -> Audio:
    return Audio(samples=np.zeros(int(16 * ms), np.float32), seq=seq)


def test_media_time_bounds_what_waits_and_the_oldest_goes_first() -> None:
    edge, _ = alone("drop_oldest", bound_ms=100)
    for seq in range(8):
        edge.put(sound(20, seq))
    assert [frame.seq for frame, _ in edge.queue] == [3, 4, 5, 6, 7]
    assert (edge.dropped, edge.depth_ms, edge.high) == (3, 100, 5)
    edge.put(sound(90, 8))
    assert [frame.seq for frame, _ in edge.queue] == [8]
    edge.put(sound(500, 9))  # longer than the bound: the newest is kept all the same
    assert [frame.seq for frame, _ in edge.queue] == [9]
    assert len(edge.target.order) == 1


def test_frames_without_length_are_bounded_by_number() -> None:
    edge, _ = alone("drop_oldest", bound_ms=100)
    for seq in range(HARD_LIMIT + 10):
        edge.put(sound(0, seq))
    assert len(edge.queue) == HARD_LIMIT
    assert edge.dropped == 10


def test_what_may_not_be_dropped_raises_an_alarm_and_ends_at_the_limit() -> None:
    edge, alarms = alone("never_drop", bound=HARD_LIMIT)
    for seq in range(HARD_LIMIT):
        edge.put(sound(0, seq))
    assert alarms[0] == ALARM
    with pytest.raises(Overrun, match=r"a\.out -> b\.in holds 4096 frames"):
        edge.put(sound(0))
    assert (len(edge.queue), edge.dropped) == (HARD_LIMIT, 1)


def test_waiting_times_are_metered_for_what_queued_and_for_what_did_not() -> None:
    edge, _ = alone("drop_oldest", bound=10)
    assert edge.wait_us(0.99) == 0
    edge.put(sound(0))
    edge.take()
    assert 0 < edge.wait_us(0.5) < 1e6
    edge.taken += 999  # handed over at once
    assert edge.wait_us(0.5) == edge.wait_us(0.99) == 0
    assert edge.wait_us(1.0) > 0


# in a graph


def test_an_observer_never_blocks_the_call() -> None:
    """A tap that reads nothing costs what it missed, not the others."""

    class Stuck(Node[Settings]):
        inputs = (Port("in", Audio),)

        async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
            await self.ctx.clock.sleep(1e9)

    frames = [(0.02 * i, sound(20, i)) for i in range(100)]
    nodes = {"mic": source(Audio, frames, rate=16_000), "ear": sink(Audio), "tap": Stuck}
    tap = {"from": "mic.out", "to": "tap.in", "policy": "drop_oldest", "bound": 4}
    result = play(nodes, ["mic.out -> ear.in", tap], seconds=3)
    assert seqs(result.frames("ear")) == list(range(100))
    assert result.graph.edges[1].dropped == 100 - 1 - 4


def test_dead_frames_are_stale_where_they_enter_and_where_they_leave() -> None:
    async def main() -> None:
        nodes = {"mic": source(Audio, [], replies=True), "node": Agent, "ear": sink(Audio)}
        async with running(nodes, ["mic.out -> node.in", "node.out -> ear.in"]) as graph:
            gen = graph.fence.begin(1)
            for seq in range(3):  # one in work, two in the queue
                graph.node("mic").emit("out", Audio(gen=gen, seq=seq))
            graph.fence.cut("test")
            assert graph.fence.life[gen] == DEAD
            graph.node("mic").emit("out", Audio(gen=gen, seq=9))
            assert graph.edges[0].stale == 1, "it did not enter"
            for _ in range(9):
                graph.node("node").allowed.release()
            await asyncio.sleep(1)
            assert graph.edges[0].stale == 3, "those that waited did not leave"
            assert not graph.node("ear").__dict__.get("got")
            balanced(graph)

    run_virtual(main())

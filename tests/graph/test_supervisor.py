"""A node that fails is skipped, restarted, replaced or the end of the session; a graph stops in time."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.node import Need, Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.tests.graphs import idle, play, sink, source

SOUND = [(0.1 * i, Audio(seq=i)) for i in range(10)]
Kinds = dict[str, type[Node[Any]]]


class Flaky(Node[Settings]):
    """Fails on the frames in `bad`, and to open as the instances numbered in `fails_to_open`."""

    inputs = (Port("in", Audio),)
    outputs = (Port("out", Audio, like="in"),)
    bad: ClassVar[set[int]] = set()
    fails_to_open: ClassVar[set[int]] = set()
    built: ClassVar[list[Any]] = []

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        type(self).built.append(self)
        self.number, self.closed = len(type(self).built), 0

    async def open(self) -> None:
        if self.number in self.fails_to_open:
            raise ProviderError("does not open")

    def process(self, port: str, frame: Frame) -> None:
        assert not self.closed
        if frame.seq in self.bad:
            raise ProviderError(f"fails on {frame.seq}")
        self.emit("out", frame)

    async def close(self) -> None:
        self.closed += 1


class AsyncFlaky(Flaky):
    """The same, asynchronous."""

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        Flaky.process(self, port, frame)


class Waiting(Flaky):
    """The same, waiting before it fails."""

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        await self.ctx.clock.sleep(0.01)
        Flaky.process(self, port, frame)


SHAPES = [Flaky, AsyncFlaky, Waiting]


def flaky(shape: type[Flaky], bad: set[int], *, fails_to_open: set[int] | None = None) -> Any:
    return type("Flaky", (shape,), {"bad": bad, "fails_to_open": fails_to_open or set(), "built": []})


def run(kinds: Kinds, **how: Any) -> tuple[list[int], Graph]:
    """mic -> node -> ear, `how` being further keys of the node; the numbers of the frames that got through."""
    own: Kinds = {"t.mic": source(Audio, SOUND), "t.ear": sink(Audio)}
    registry = Registry(extra=own | {f"t.{name}": kind for name, kind in kinds.items()})
    nodes: dict[str, Any] = {"mic": {"use": "t.mic"}, "ear": {"use": "t.ear"}}
    nodes |= {name: {"use": f"t.{name}"} for name in kinds}
    nodes["node"] |= how
    spec = {"version": 1, "name": "t", "nodes": nodes, "edges": ["mic.out -> node.in", "node.out -> ear.in"]}

    async def main() -> tuple[list[int], Graph]:
        engine = Engine(registry)
        async with Graph(compile_plan(from_dict(spec), registry), engine) as graph:
            await asyncio.wait([graph.ended], timeout=20)
        engine.close()
        return [frame.seq for _, frame in graph.node("ear").__dict__.get("got", [])], graph

    return run_virtual(main())


def names(graph: Graph, *wanted: str) -> list[str]:
    return [event.name for event in graph.events if event.name in wanted]


@pytest.mark.parametrize("shape", SHAPES)
def test_skip_loses_the_frame_and_goes_on(shape: type[Flaky]) -> None:
    kind = flaky(shape, {3, 4})
    got, graph = run({"node": kind})
    assert got == [0, 1, 2, 5, 6, 7, 8, 9]
    assert [event.text for event in graph.events if event.name == "error"] == ["fails on 3", "fails on 4"]
    assert [node.closed for node in kind.built] == [1]
    assert graph.cells["node"].errors == 2


@pytest.mark.parametrize("shape", SHAPES)
def test_restart_waits_longer_each_time_and_loses_the_bad_frames_only(shape: type[Flaky]) -> None:
    kind = flaky(shape, {2, 5})
    got, graph = run({"node": kind}, on_error={"policy": "restart", "backoff_s": 0.15})
    assert got == [0, 1, 3, 4, 6, 7, 8, 9]
    assert [node.closed for node in kind.built] == [1, 1, 1]
    back = [event.ns / 1e9 for event in graph.events if event.name == "restarted"]
    lag = 0.01 if shape is Waiting else 0
    assert back == pytest.approx([0.2 + lag + 0.15, 0.5 + lag + 0.3], abs=0.001)


@pytest.mark.parametrize("shape", SHAPES)
def test_too_many_restarts_are_a_failure_for_good(shape: type[Flaky]) -> None:
    rules = {"policy": "restart", "max": 2, "backoff_s": 0.01}
    got, graph = run({"node": flaky(shape, {1, 2, 3, 4})}, on_error=rules)
    assert got == [0]
    assert names(graph, "restarted") == ["restarted"] * 2
    assert graph.cells["node"].state == "failed"
    assert graph.edges[0].entered == graph.edges[0].taken == 10
    assert not graph.cells["ear"].failed


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stand_in", SHAPES)
def test_a_stand_in_takes_over_without_losing_a_frame(shape: type[Flaky], stand_in: type[Flaky]) -> None:
    kinds: Kinds = {"node": flaky(shape, {4}), "other": flaky(stand_in, set())}
    got, graph = run(kinds, on_error={"policy": "fallback"}, fallback="other")
    assert got == list(range(10))
    assert [(e.name, e.text) for e in graph.events if e.name == "fallback"] == [("fallback", "other")]
    assert graph.cells["node"].stand_in == "other"


def test_the_stand_in_follows_its_own_rules() -> None:
    got, graph = run(
        {"node": flaky(Flaky, {2}), "other": flaky(AsyncFlaky, {4})}, on_error={"policy": "fallback"}, fallback="other"
    )
    assert got == [0, 1, 2, 3, 5, 6, 7, 8, 9]  # its policy is to skip
    assert graph.cells["node"].stand_in == "other"


@pytest.mark.parametrize("policy", ["skip", "restart", "fallback", "end"])
def test_a_node_that_does_not_open_does_not_take_the_others_down(policy: str) -> None:
    kind = flaky(Flaky, set(), fails_to_open={1, 2, 3, 4, 5})
    if policy == "fallback":
        kinds: Kinds = {"node": kind, "other": flaky(Flaky, set())}
        got, graph = run(kinds, on_error={"policy": policy}, fallback="other")
    else:
        got, graph = run({"node": kind}, on_error={"policy": policy})
    assert got == (list(range(10)) if policy == "fallback" else [])
    assert graph.ended.result() == ("node: does not open" if policy == "end" else "stopped")
    assert graph.cells["node"].failed == (policy != "fallback")
    assert all(node.closed == 1 for node in kind.built)


def test_a_node_that_opens_at_the_third_try_has_lost_nothing() -> None:
    kind = flaky(Flaky, set(), fails_to_open={1, 2})
    got, _ = run({"node": kind}, on_error={"policy": "restart", "backoff_s": 0.1})
    assert got == list(range(10))


def test_a_model_that_does_not_load_fails_the_node_with_its_reason() -> None:
    class Heavy(Flaky):
        built: ClassVar[list[Any]] = []

        @classmethod
        def needs(cls, settings: Settings) -> tuple[Need, ...]:
            def load(progress: Any) -> object:
                raise OSError("no space left")

            return (Need("m", "a model", load),)

    got, graph = run({"node": Heavy})
    assert got == []
    assert graph.cells["node"].failed
    assert graph.engine.shared.status["m"].state == "failed"
    assert graph.engine.shared.status["m"].error == "no space left"


# the end


def test_a_graph_stops_in_time_although_a_node_ignores_its_cancellation() -> None:
    class Stubborn(Node[Settings]):
        outputs = (Port("out", Audio),)

        async def run(self) -> None:
            try:
                await self.ctx.clock.sleep(1e6)
            except asyncio.CancelledError:
                await self.ctx.clock.sleep(3)
                raise

        async def close(self) -> None:
            await self.ctx.clock.sleep(100)

    async def main() -> float:
        registry = Registry(extra={"t.s": Stubborn})
        spec = {"version": 1, "name": "t", "nodes": {"s": {"use": "t.s"}}, "edges": []}
        engine = Engine(registry)
        async with Graph(compile_plan(from_dict(spec), registry), engine):
            await asyncio.sleep(1)
            began = engine.clock.s()
        took = engine.clock.s() - began
        await asyncio.sleep(10)  # the stubborn one ends at last
        return took

    assert run_virtual(main()) < 4.1


def test_what_a_closed_node_still_emits_goes_nowhere() -> None:
    result = play({"mic": source(Audio, SOUND), "ear": sink(Audio)}, ["mic.out -> ear.in"], do=idle)
    before = result.graph.edges[0].entered
    result.graph.node("mic").emit("out", Audio())
    assert result.graph.edges[0].entered == before

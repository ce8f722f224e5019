"""Opening and closing: what hangs or fails there delays the others by no more than its deadline."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio
from vaidol.graph.node import Need, Node, Settings
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import STOP_S
from vaidol.graph.supervisor import OPEN_S
from vaidol.tests.graph.flows import SOUND, Through
from vaidol.tests.graphs import idle, play, running, sink, source

EDGES = ["mic.out -> a.audio", "a.audio -> ear.in"]


class Logged(Through):
    """Notes when it opens and closes, on the class."""

    log: list[str]

    async def open(self) -> None:
        await self.ctx.clock.sleep(1)
        self.log.append(f"open {self.ctx.node}")

    async def close(self) -> None:
        self.log.append(f"close {self.ctx.node}")


def test_nodes_open_side_by_side_and_close_in_the_order_sound_flows() -> None:
    kind: Any = type("Noted", (Logged,), {"log": []})
    nodes = {"mic": source(Audio, SOUND), "a": kind, "b": kind, "ear": sink(Audio)}
    result = play(nodes, ["mic.out -> a.audio", "a.audio -> b.audio", "b.audio -> ear.in"])
    assert sorted(kind.log[:2]) == ["open a", "open b"]
    assert kind.log[2:] == ["close a", "close b"]
    assert result.at("ear")[0][0] == pytest.approx(1, abs=0.1), "one second for both"


def test_a_node_that_hangs_at_open_fails_in_time_and_the_rest_of_the_graph_works() -> None:
    class Hangs(Through):
        async def open(self) -> None:
            await self.ctx.clock.sleep(1e9)

    nodes = {"mic": source(Audio, SOUND), "a": Hangs, "ear": sink(Audio), "b": Through, "ear2": sink(Audio)}
    result = play(nodes, [*EDGES, "mic.out -> b.audio", "b.audio -> ear2.in"])
    assert result.errors == ["a did not answer in time"]
    assert result.graph.cells["a"].state == "failed"
    assert len(result.frames("ear2")) == 5
    assert result.at("ear2")[0][0] == pytest.approx(OPEN_S, abs=1)
    assert result.frames("ear") == []


def test_a_call_that_ends_while_a_node_opens_does_not_wait_for_it() -> None:
    closed: list[str] = []

    class Hangs(Through):
        async def open(self) -> None:
            await self.ctx.clock.sleep(1e9)

        async def close(self) -> None:
            closed.append(self.ctx.node)

    async def main() -> float:
        async def call() -> None:
            async with running({"mic": source(Audio, SOUND), "a": Hangs, "ear": sink(Audio)}, EDGES):
                raise AssertionError

        task = asyncio.create_task(call())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) < 2
    assert closed == ["a"]


def test_a_graph_in_which_every_node_hangs_at_close_still_ends_in_time() -> None:
    class Hangs(Through):
        async def close(self) -> None:
            await self.ctx.clock.sleep(1e9)

    async def main() -> float:
        loop, names = asyncio.get_running_loop(), [f"n{i}" for i in range(20)]
        nodes = {"mic": source(Audio, SOUND), **dict.fromkeys(names, Hangs)}
        async with running(nodes, [f"mic.out -> {name}.audio" for name in names]) as graph:
            await idle(graph)
            began = loop.time()
        return loop.time() - began

    assert run_virtual(main()) <= STOP_S


def test_a_model_that_failed_to_load_says_why_and_may_be_tried_again() -> None:
    tries: list[int] = []

    def load(progress: Any) -> object:
        progress(0.5, "reading")
        tries.append(1)
        if len(tries) == 1:
            raise OSError("disk full")
        return "weights"

    async def main() -> tuple[Any, ...]:
        engine = Engine(Registry())
        need = Need("m", "a model", load)
        with pytest.raises(OSError, match="disk full"):
            await engine.shared.get(need)
        first = engine.shared.status["m"]
        got = await engine.shared.get(need)
        again = engine.shared.status["m"]
        engine.close()
        return first, got, again

    for run in (run_virtual, asyncio.run):
        tries.clear()
        first, got, again = run(main())
        assert (first.state, first.error, first.progress, first.step) == ("failed", "disk full", 0.5, "reading")
        assert (got, again.state, again.error, again.progress) == ("weights", "ready", "", 1.0)


def test_those_who_wait_for_a_model_share_its_load_and_its_failure() -> None:
    loads: list[int] = []

    class Heavy(Through):
        @classmethod
        def needs(cls, settings: Settings) -> tuple[Need, ...]:
            def load(progress: Any) -> object:
                loads.append(1)
                raise RuntimeError("no such file: weights.bin")

            return (Need("heavy", "weights", load),)

    nodes: dict[str, type[Node[Any]]] = {"mic": source(Audio, SOUND), "a": Heavy, "ear": sink(Audio)}
    result = play(nodes, EDGES)
    assert result.graph.engine.shared.status["heavy"].error == "no such file: weights.bin"
    assert result.graph.cells["a"].failed
    assert loads == [1]

"""The snapshot tells what happened in every node and on every edge, at any moment, as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from typing import Any

import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Audio, Frame, TextDelta
from vaidol.graph.histogram import bucket, quantile_us
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.graph.watchdog import Watchdog
from vaidol.tests.graph.flows import Slow, Through
from vaidol.tests.graphs import play, running, sink, source

EDGES = ["mic.out -> a.audio", "a.audio -> slow.audio", "slow.audio -> ear.in"]


def by_name(things: Any) -> dict[str, Any]:
    return {thing["name"]: thing for thing in things}


def test_a_snapshot_in_mid_flow_is_plain_data_that_adds_up() -> None:
    async def main() -> Any:
        nodes = {"mic": source(Audio, [], rate=16_000), "a": Through, "slow": Slow, "ear": sink(Audio)}
        async with running(nodes, EDGES) as graph:
            for i in range(30):
                graph.node("mic").emit("out", Audio(seq=i, samples=Audio().samples))
            gen = graph.fence.begin(7, speculative=True)
            graph.engine.ticker.subscribe(lambda skipped: None)()
            await asyncio.sleep(0.35)
            graph.node("slow").ctx.mark(7, "first_token")
            told = graph.snapshot()
            graph.fence.abandon(gen)
        return told

    told = run_virtual(main())
    assert json.loads(json.dumps(told))["pipeline"] == "test"
    nodes, edges = by_name(told["nodes"]), by_name(told["edges"])
    assert (nodes["a"]["frames"], nodes["a"]["sent"], nodes["a"]["state"]) == (30, 30, "idle")
    assert (nodes["slow"]["frames"], nodes["slow"]["sent"], nodes["slow"]["state"]) == (4, 3, "busy")
    waiting = edges["a.audio -> slow.audio"]
    assert waiting["entered"] == waiting["taken"] + waiting["dropped"] + waiting["stale"] + waiting["depth"] == 30
    assert (waiting["frame"], waiting["rate"], waiting["policy"]) == ("Audio", 16_000, "drop_oldest")
    assert waiting["high"] == 29
    assert waiting["wait_p99_us"] > 0
    assert edges["mic.out -> a.audio"]["wait_p99_us"] == 0
    assert told["replies"] == [{"gen": 1, "trace": 7, "committed": False, "spoke": False, "error": ""}]
    assert told["marks"] == {7: {"first_token": pytest.approx(350, abs=1)}}
    assert told["at_ms"] == pytest.approx(350, abs=1)


def test_failures_and_stand_ins_are_told() -> None:
    class Bad(Through):
        def process(self, port: str, frame: Frame) -> None:
            raise ProviderError("no credit")

    result = play(
        {"mic": source(Audio, [(0, Audio())]), "a": Bad, "ear": sink(Audio)},
        ["mic.out -> a.audio", "a.audio -> ear.in"],
    )
    told = by_name(result.graph.snapshot()["nodes"])["a"]
    assert (told["errors"], told["error"], told["stand_in"]) == (1, "no credit", None)


def spin(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


class Busy(Node[Settings]):
    """Computes for 20 ms on the loop, wherever the frame says."""

    inputs = (Port("in", TextDelta),)
    outputs = (Port("out", TextDelta),)

    def process(self, port: str, frame: TextDelta) -> None:
        if frame.text == self.ctx.node:
            spin(0.02)
        self.emit("out", frame)


class AsyncBusy(Busy):
    """The same, asynchronous and after a wait."""

    async def process(self, port: str, frame: TextDelta) -> None:  # type: ignore[override]
        await self.ctx.clock.sleep(0.001)
        Busy.process(self, port, frame)


@pytest.mark.parametrize("kind", [Busy, AsyncBusy])
@pytest.mark.parametrize("culprit", ["a", "b", "c"])
def test_a_step_over_10_ms_is_booked_on_the_node_that_took_it_and_it_is_named(kind: type[Busy], culprit: str) -> None:
    """Although every node here emits from within its own step."""

    async def main() -> tuple[Any, list[str]]:
        engine = Engine(
            registry := Registry(extra={"t.busy": kind, "t.end": sink(TextDelta), "t.mic": source(TextDelta, [])})
        )
        nodes = {"mic": {"use": "t.mic"}, **{name: {"use": "t.busy"} for name in "abc"}, "end": {"use": "t.end"}}
        edges = ["mic.out -> a.in", "a.out -> b.in", "b.out -> c.in", "c.out -> end.in"]
        plan = compile_plan(from_dict({"version": 1, "name": "t", "nodes": nodes, "edges": edges}), registry)
        async with Graph(plan, engine) as graph:
            graph.node("mic").emit("out", TextDelta(text=culprit))
            async with asyncio.timeout(10):
                while not graph.node("end").__dict__.get("got"):  # noqa: ASYNC110  # the sink has no event
                    await asyncio.sleep(0.001)
            told = by_name(graph.snapshot()["nodes"])
            named = [event.node for event in graph.events if event.name == "slow"]
        engine.close()
        return told, named

    told, named = asyncio.run(main())
    assert told[culprit]["slow"] >= 1
    assert told[culprit]["busy_ms"] >= 19
    assert culprit in named
    others = [told[name]["busy_ms"] for name in "abc" if name != culprit]
    assert max(others) < told[culprit]["busy_ms"]


def test_what_a_tick_and_a_cut_cost_is_booked_too() -> None:
    class Paced(Node[Settings]):
        outputs = (Port("out", Audio),)
        replies = True

        async def open(self) -> None:
            self.ctx.each_tick(lambda skipped: spin(0.001))

        def cut(self, cut: Any) -> None:
            spin(0.005)

    async def scene(graph: Graph) -> None:
        await asyncio.sleep(0.1)
        ticked = graph.cells["p"].busy_s
        assert ticked >= 0.003
        graph.fence.begin(1)
        graph.fence.cut("test")
        assert graph.cells["p"].busy_s >= ticked + 0.005
        assert graph.snapshot()["loop"]["ticks"] >= 4

    play({"p": Paced, "ear": sink(Audio)}, ["p.out -> ear.in"], do=scene)


def test_quantiles_are_upper_bounds() -> None:
    counts = [0] * 32
    for ms in range(1, 101):
        counts[bucket(ms / 1000)] += 1
    assert 50_000 <= quantile_us(counts, 0.5) <= 100_000
    assert 99_000 <= quantile_us(counts, 0.99) <= 200_000
    assert quantile_us(counts, 0.5, at_once=100) == 0
    assert quantile_us([0] * 32, 0.99) == 0
    assert bucket(-1) == 0
    assert bucket(1e9) == 31


def test_the_watchdog_names_the_node_that_holds_the_loop_while_it_does(caplog: pytest.LogCaptureFixture) -> None:
    class Hangs(Through):
        def process(self, port: str, frame: Frame) -> None:
            while not any("stands still" in record.message for record in caplog.records):
                time.sleep(0.005)

    async def main() -> int:
        dog = Watchdog(asyncio.get_running_loop(), beat_s=0.02, hung_s=0.02)
        nodes = {"mic": source(Audio, []), "stuck": Hangs, "ear": sink(Audio)}
        async with running(nodes, ["mic.out -> stuck.audio", "stuck.audio -> ear.in"]) as graph:
            graph.node("mic").emit("out", Audio())
        dog.close()
        return dog.hung

    with caplog.at_level(logging.ERROR, logger="vaidol.graph"):
        assert asyncio.run(main()) >= 1
    told = caplog.records[0].__dict__
    assert told["node"] == "stuck"
    assert told["where"].startswith(__file__)


def test_the_watchdog_ends_with_the_engine_and_with_the_loop() -> None:
    async def main(*, close: bool) -> None:
        engine = Engine(Registry())
        engine.watch()
        engine.watch()
        assert sum(thread.name == "vaidol-watchdog" for thread in threading.enumerate()) == 1
        if close:
            engine.close()

    asyncio.run(main(close=True))
    asyncio.run(main(close=False))

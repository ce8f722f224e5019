"""The same node inline, on a thread, in a worker process and with a worker elsewhere; a killed one costs frames, never
the session."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import PipelineError
from vaidol.graph.frames import Audio, Sentence
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.tests.e2e.serving import free_port
from vaidol.tests.graph.far import Half
from vaidol.tests.graph.flows import Through
from vaidol.tests.graph.test_processes import until
from vaidol.tests.graphs import sink, source

ONE = Sentence(text="one")


ELSEWHERE = """
import asyncio
from vaidol.graph.engine import Engine
from vaidol.graph.registry import Registry
from vaidol.graph.station import Station
from vaidol.tests.graph.far import Half
async def main():
    station = Station(Engine(Registry(extra={"t.half": Half})), "")
    server = await asyncio.start_server(station.serve, "127.0.0.1", PORT)
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@asynccontextmanager
async def placed(place: str) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """`place` as a pipeline says it, and what starts a worker elsewhere again."""
    if place != "remote":
        yield place, lambda: None
        return
    port, running = free_port(), []

    def start() -> None:
        code = ELSEWHERE.replace("PORT", str(port))
        running.append(subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE))
        assert running[-1].stdout.readline() == b"ready\n"

    start()
    try:
        yield f"remote(127.0.0.1:{port})", start
    finally:
        for one in running:
            one.kill()
            one.communicate()


class Ends:
    """A graph of one placed node, on the real loop."""

    def __init__(self, place: str) -> None:
        kinds = {"t.mic": source(Audio, []), "t.half": Half, "t.ear": sink(Audio)}
        self.registry = Registry(extra=kinds)
        nodes = {"mic": {"use": "t.mic"}, "half": {"use": "t.half", "place": place}, "ear": {"use": "t.ear"}}
        edges = ["mic.out -> half.audio", "half.audio -> ear.in"]
        self.plan = compile_plan(from_dict({"version": 1, "name": "t", "nodes": nodes, "edges": edges}), self.registry)

    async def __aenter__(self) -> Ends:
        self.engine = Engine(self.registry)
        self.graph = Graph(self.plan, self.engine, session="s")
        await self.graph.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.graph.__aexit__(None, None, None)
        self.engine.close()

    @property
    def got(self) -> list[Any]:
        return [frame for _, frame in self.graph.node("ear").__dict__.get("got", [])]

    def push(self, value: float, seq: int) -> None:
        samples = np.full(320, value, np.float32)
        self.graph.node("mic").emit("out", Audio(samples=samples, rate=16_000, seq=seq, of=ONE))

    @property
    def errors(self) -> list[str]:
        return [event.text for event in self.graph.events if event.name == "error"]


@pytest.mark.parametrize("place", ["inline", "thread", "process", "remote"])
def test_the_same_frames_come_out_wherever_a_node_lives(place: str) -> None:
    async def main() -> None:
        async with placed(place) as (where, _), Ends(where) as ends:
            for seq in range(10):
                ends.push(0.5, seq)
            ends.push(-1.0, 10)
            ends.push(0.5, 11)
            await until(lambda: len(ends.got) == 11)
            assert [frame.seq for frame in ends.got] == [*range(10), 11]
            assert all(np.array_equal(frame.samples, np.full(320, 0.25, np.float32)) for frame in ends.got)
            assert all(frame.of is ONE for frame in ends.got)
            assert ends.errors == ["half failed: ValueError"]
            (meters,) = (node for node in ends.graph.snapshot()["nodes"] if node["name"] == "half")
            assert meters["counts"] == {"halved": 11}
            assert {frame.pts == os.getpid() for frame in ends.got} == {place in ("inline", "thread")}

    asyncio.run(main())


@pytest.mark.parametrize("place", ["process", "remote"])
def test_a_killed_worker_costs_its_frames_and_the_session_goes_on(place: str) -> None:
    async def main() -> None:
        async with placed(place) as (where, again), Ends(where) as ends:
            ends.push(0.5, 1)
            await until(lambda: len(ends.got) == 1)
            first = ends.got[0].pts
            os.kill(first, signal.SIGKILL)
            await until(lambda: not ends.engine.shared[ends.graph.node("half")._need].ready)
            ends.push(0.5, 2)
            await until(lambda: len(ends.errors) == 1)
            assert "is gone" in ends.errors[0]
            again()
            await until(lambda: ends.engine.shared[ends.graph.node("half")._need].ready)
            ends.push(0.5, 3)
            await until(lambda: len(ends.got) == 2)
            assert [frame.seq for frame in ends.got] == [1, 3]
            assert ends.got[1].pts != first
            assert not ends.graph.ended.done()

    asyncio.run(main())


def test_what_cannot_live_elsewhere_is_a_mistake_at_check() -> None:
    class Waits(Through):
        async def process(self, port: str, frame: Any) -> None:
            self.emit("audio", frame)

    kinds = {"t.mic": source(Audio, []), "t.waits": Waits, "t.ear": sink(Audio)}
    nodes = {"mic": {"use": "t.mic"}, "w": {"use": "t.waits", "place": "process"}, "ear": {"use": "t.ear"}}
    spec = {"version": 1, "name": "t", "nodes": nodes, "edges": ["mic.out -> w.audio", "w.audio -> ear.in"]}
    with pytest.raises(PipelineError, match=r"place process is for synchronous nodes; t.waits does not block"):
        compile_plan(from_dict(spec), Registry(extra=kinds))

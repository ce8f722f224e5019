"""A node on a thread of its own leaves the loop free."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from typing import Any

from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.node import Node
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.tests.graph.flows import Through, balanced
from vaidol.tests.graphs import sink, source


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

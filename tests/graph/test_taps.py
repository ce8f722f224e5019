"""Taps: they hear what passes an edge, cost nothing when there are none, and can do no harm."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vaidol.graph.frames import Audio, Frame
from vaidol.graph.scheduler import Graph
from vaidol.graph.taps import NoEdge
from vaidol.tests.graph.flows import SOUND, Later, Through, balanced, seqs
from vaidol.tests.graphs import idle, play, sink, source

NODES: dict[str, Any] = {"mic": source(Audio, SOUND), "a": Through, "b": Later, "ear": sink(Audio)}
EDGES = ["mic.out -> a.audio", "a.audio -> b.audio, ear.in"]
EAR, B = "a.audio -> ear.in", "a.audio -> b.audio"


def test_a_tap_hears_every_frame_in_order_from_when_it_is_put_on_until_it_is_taken_off() -> None:
    heard: list[Frame] = []

    async def listen(graph: Graph) -> None:
        await asyncio.sleep(0.03)
        untap = graph.tap(B, heard.append)
        await asyncio.sleep(0.04)
        untap()
        untap()
        await idle(graph)
        assert graph.taps.on(B) == 0
        balanced(graph)

    result = play(NODES, EDGES, do=listen)
    assert seqs(heard) == [2, 3]
    assert seqs(result.frames("ear")) == [0, 1, 2, 3, 4]
    assert result.graph.snapshot()["nodes"][1]["sent"] == 10  # taps are no edges of the graph


def test_several_listen_at_one_edge_and_at_both_behind_a_port() -> None:
    heard: dict[str, list[Frame]] = {"one": [], "two": [], "ear": []}

    async def listen(graph: Graph) -> None:
        off = [
            graph.tap(B, heard["one"].append),
            graph.tap(B, heard["two"].append),
            graph.tap(EAR, heard["ear"].append),
        ]
        await asyncio.sleep(0.05)
        off[0]()
        await idle(graph)

    play(NODES, EDGES, do=listen)
    assert {name: len(frames) for name, frames in heard.items()} == {"one": 3, "two": 5, "ear": 5}


def test_a_tap_that_raises_is_taken_off_and_nobody_else_notices(caplog: pytest.LogCaptureFixture) -> None:
    async def listen(graph: Graph) -> None:
        graph.tap(EAR, lambda _: 1 / 0)
        await idle(graph)
        assert graph.taps.on(EAR) == 0
        balanced(graph)

    result = play(NODES, EDGES, do=listen)
    assert seqs(result.frames("ear")) == [0, 1, 2, 3, 4]
    assert not result.errors
    assert [record.message for record in caplog.records] == ["a tap failed and was taken off"]


def test_a_tap_outlives_the_node_in_front_of_it() -> None:
    heard: list[Frame] = []

    async def listen(graph: Graph) -> None:
        graph.tap(EAR, heard.append)
        await asyncio.sleep(0.05)
        graph.place(graph.cells["a"], graph.plan.node("a"))
        await idle(graph)

    play(NODES, EDGES, do=listen)
    assert seqs(heard) == [0, 1, 2, 3, 4]


def test_a_dead_reply_is_not_heard() -> None:
    heard: list[Frame] = []
    script = [(0.01 * i, Audio(seq=i, gen=1)) for i in range(4)]

    async def listen(graph: Graph) -> None:
        graph.tap("agent.out -> ear.in", heard.append)
        graph.fence.begin(1)
        await asyncio.sleep(0.015)
        graph.fence.cut("test")
        await asyncio.sleep(0.1)

    play({"agent": source(Audio, script, replies=True), "ear": sink(Audio)}, ["agent.out -> ear.in"], do=listen)
    assert seqs(heard) == [0, 1]


def test_an_edge_that_is_not_there_is_named() -> None:
    async def listen(graph: Graph) -> None:
        with pytest.raises(NoEdge, match=r"no edge 'x.y -> z.in'; there are: mic.out -> a.audio, a.audio -> b"):
            graph.tap("x.y -> z.in", print)

    play(NODES, EDGES, do=listen)

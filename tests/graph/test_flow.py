"""Frames move in order, a full edge does what its policy says, and overload stays bounded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vaidol.graph.frames import Audio, Frame, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.tests.graph.flows import SOUND, Later, Slow, Through, balanced, seqs
from vaidol.tests.graphs import play, sink, source


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

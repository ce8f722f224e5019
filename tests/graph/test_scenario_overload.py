"""Ten times more work than a node can do, for a minute: memory stays flat, and the lag is what the edge allows."""

from __future__ import annotations

import asyncio
import gc
import itertools
from typing import Any

import numpy as np
import pytest

from vaidol.graph.frames import Audio, Frame, Sentence, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.plan import ALARM, HARD_LIMIT
from vaidol.graph.ports import Port
from vaidol.graph.scenario_check import verdicts
from vaidol.graph.scheduler import Graph
from vaidol.tests.bench import _minute as minute
from vaidol.tests.graph.flows import Through, balanced
from vaidol.tests.graphs import Result, play

FRAME_S = 0.02
SLOW_S = 10 * FRAME_S
LOOKS_S = (20.0, 40.0, 60.0)
SOUND = np.zeros(320, np.float32)


class Mic(Node[Settings]):
    """50 frames/s for ever, as a microphone: it cannot wait."""

    outputs = (Port("out", Audio, rate=16_000),)

    async def run(self) -> None:
        seq = 0
        while True:
            await self.ctx.clock.sleep(FRAME_S)
            self.emit("out", Audio(samples=SOUND, seq=seq, born=self.ctx.clock.ns()))
            seq += 1


class Voice(Mic):
    """As many as there is room for, as a voice."""

    replies = True

    async def run(self) -> None:
        gen, seq = self.ctx.fence.begin(1), 0
        self.ctx.fence.spoke(gen)
        while True:
            await self.ctx.clock.sleep(FRAME_S)
            await self.send("out", Audio(samples=SOUND, seq=seq, born=self.ctx.clock.ns(), gen=gen))
            seq += 1


class Sends(Through):
    """Hands on from a mailbox, and waits for room, as every node in front of a blocking edge must."""

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        await self.send("audio", frame)


class Slow(Sends):
    """Can do a tenth of what comes."""

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        await self.ctx.clock.sleep(SLOW_S)
        await self.send("audio", frame)


class Ear(Node[Settings]):
    """Notes how old the sound is that arrives."""

    inputs = (Port("audio", Audio),)
    oldest_ms = 0.0
    count = 0

    def process(self, port: str, frame: Frame) -> None:
        self.count += 1
        self.oldest_ms = max(self.oldest_ms, (self.ctx.clock.ns() - frame.born) / 1e6)


def minute_of(source: type[Node[Any]], slow_at: int, edge: dict[str, Any]) -> tuple[Result, list[int]]:
    """source -> n0 .. n3 -> ear with one slow node, `edge` in front of it; the frames alive at each look."""
    kinds: list[Any] = [Sends, Through, Sends, Through]
    kinds[slow_at] = Slow
    names = [f"n{i}" for i in range(4)]
    nodes = {"mic": source, **dict(zip(names, kinds, strict=True)), "ear": Ear}
    chain = ["mic", *names, "ear"]
    edges: list[Any] = [
        {"from": f"{a}.{'out' if a == 'mic' else 'audio'}", "to": f"{b}.audio", **(edge if b == f"n{slow_at}" else {})}
        for a, b in itertools.pairwise(chain)
    ]
    alive = []

    async def do(graph: Graph) -> None:
        at = 0.0
        for look in LOOKS_S:
            await asyncio.sleep(look - at)
            at = look
            alive.append(sum(type(one) is Audio for one in gc.get_objects()))
        balanced(graph)

    return play(nodes, edges, do=do), alive


@pytest.mark.parametrize("slow_at", range(4))
@pytest.mark.parametrize(
    ("source", "edge", "frames"),
    [
        (Mic, {}, 20),  # a microphone's own policy: drop the oldest beyond 400 ms
        (Mic, {"policy": "drop_oldest", "bound": 5}, 5),
        (Mic, {"policy": "latest"}, 1),
        (Voice, {}, 12),  # a voice's own policy: wait for room, 240 ms
        (Voice, {"policy": "block", "bound": 3}, 3),
    ],
)
def test_one_slow_node_cannot_make_the_lag_grow(
    source: type[Node[Any]], slow_at: int, edge: dict[str, Any], frames: int
) -> None:
    """frames: bound of the edge in front of the slow node; blocking ones before it fill up too, 240 ms each."""
    gc.collect()
    before = sum(type(one) is Audio for one in gc.get_objects())
    result, alive = minute_of(source, slow_at, edge)
    ear = result.graph.cells["ear"].node
    if source is Voice:
        frames += 12 * len({0, 2} & set(range(slow_at)))
    assert ear.count == pytest.approx(60 / SLOW_S, abs=3)
    assert ear.oldest_ms <= (frames + 4) * SLOW_S * 1000
    assert alive[0] == pytest.approx(alive[2], abs=4)
    assert max(alive) - before <= frames + 10
    assert result.errors == []


def test_what_may_not_be_lost_alarms_and_then_ends_the_session() -> None:
    class Talks(Node[Settings]):
        outputs = (Port("out", Transcript),)

        async def run(self) -> None:
            while True:
                await self.ctx.clock.sleep(0.01)
                self.emit("out", Transcript(text="hi", final=True))

    class Ponders(Node[Settings]):
        inputs = (Port("in", Transcript),)

        async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
            await self.ctx.clock.sleep(0.1)

    async def do(graph: Graph) -> None:
        assert "holds 4096 frames" in await asyncio.wait_for(graph.ended, 60)
        assert graph.edges[0].high == HARD_LIMIT

    result = play({"talks": Talks, "ponders": Ponders}, ["talks.out -> ponders.in"], do=do)
    assert [event.value for event in result.named("alarm")] == [ALARM]


SLOW_NODES = {
    "asr": {"ms": 2_000},
    "tts": {"rtf": 10},
    "vad": {"hangover_ms": 2_000},
}
LONG = "This is a long sentence about nothing at all. " * 5


@pytest.mark.parametrize("node", SLOW_NODES)
def test_the_default_pipeline_survives_any_slow_node(node: str) -> None:
    script = [{"at": 6.0 * i, "say": "Tell me everything"} for i in range(10)]
    data = {
        "version": 1,
        "name": "slow",
        "script": script,
        "replies": [{"text": LONG, "word_ms": 0}],
        "simulate": {node: {"with": SLOW_NODES[node]}},
    }
    given = minute.check(minute.Document(data, "slow.yaml"))
    record = minute.played(given, *minute.prepared(given))
    assert [verdict.what for verdict in verdicts(given, record) if not verdict.ok] == []
    assert sum(seen.what == "transcript" for seen in record.seen) == 10


def test_an_agent_that_is_faster_than_its_voice_waits_for_it() -> None:
    class Agent(Node[Settings]):
        outputs = (Port("out", Sentence),)
        replies = True
        sent = 0

        async def run(self) -> None:
            gen = self.ctx.fence.begin(1)
            self.ctx.fence.spoke(gen)
            while True:
                await self.send("out", Sentence(text="And so on.", gen=gen))
                self.sent += 1

    class Tts(Node[Settings]):
        inputs = (Port("in", Sentence),)

        async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
            await self.ctx.clock.sleep(1)

    result = play({"agent": Agent, "tts": Tts}, ["agent.out -> tts.in"], seconds=60)
    assert result.graph.cells["agent"].node.sent <= 60 + 6
    assert result.graph.edges[0].high <= 5

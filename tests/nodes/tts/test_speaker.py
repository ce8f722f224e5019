"""The base of all voices on virtual time: order, look-ahead, ends, faults, cuts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
import pytest

from tests.graphs import Result, idle, play, sink
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Audio, Mark, Sentence
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.nodes.tts._speaker import CHUNK_MS, Speaker

RATE = 48_000


class Texts(Node[Settings]):
    """Sends the sentences of a reply, as fast as the voice takes them."""

    outputs = (Port("text", Sentence),)
    replies = True

    def say(self, *speech: str) -> int:
        gen = self.ctx.fence.begin(1)
        self.ctx.spawn(self._send(gen, speech), gen=gen)
        return gen

    async def _send(self, gen: int, speech: tuple[str, ...]) -> None:
        for seq, text in enumerate(speech):
            final = seq == len(speech) - 1
            await self.send("text", Sentence(text=text, speech=text, seq=seq, final=final, gen=gen, trace=1))


class Voice(Speaker[Settings]):
    """Test double: a second of sound per sentence, in two halves, each 0.1 s in the making."""

    rate = RATE

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.begun: list[tuple[float, str]] = []
        self.closed = 0

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        self.begun.append((self.ctx.clock.s(), text))
        try:
            for half in range(2):
                await self.ctx.clock.sleep(0.1)
                if text == f"die {half}":
                    raise ProviderError("the voice died")
                if text == f"bug {half}":
                    raise ZeroDivisionError
                if text == f"hang {half}":
                    await asyncio.Event().wait()
                yield np.full(RATE // 2, 0.1 * (half + 1), np.float32)
            while text == "endless":
                yield np.zeros(RATE, np.float32)
        finally:
            self.closed += 1


def hear(*speech: str) -> tuple[Result, list[Audio]]:
    """All sound of one reply, taken at once."""

    async def say(graph: Graph) -> None:
        graph.node("texts").say(*speech)
        await asyncio.sleep(10)
        for turn in graph.fence.turns:
            graph.fence.played_out(turn.gen)
        await idle(graph)

    result = play(
        {"texts": Texts, "voice": Voice, "end": sink(Audio)},
        ["texts.text -> voice.text", "voice.audio -> end.in"],
        do=say,
    )
    return result, result.frames("end")


def paced(do: Any) -> tuple[Graph, list[Mark]]:
    """A graph that plays in real time; returns it and the marks of the pacer."""
    result = play(
        {"texts": Texts, "voice": Voice, "out": "webrtc.out", "end": sink(Mark)},
        ["texts.text -> voice.text", "voice.audio -> out.audio", "out.spoken -> end.in"],
        do=do,
        ends={"call": CallDouble()},
    )
    return result.graph, result.frames("end")


def test_a_sentence_is_sent_in_short_pieces_and_ended_by_an_empty_one() -> None:
    result, frames = hear("one", "two")
    ends = [at for at, frame in enumerate(frames) if frame.sentence_end]
    assert [frames[at].of.text for at in ends] == ["one", "two"]
    assert [frame.final for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert all(len(frames[at].samples) == 0 for at in ends)
    assert max(frame.ms for frame in frames) <= CHUNK_MS
    assert {(frame.gen, frame.trace) for frame in frames} == {(1, 1)}
    assert sum(len(frame.samples) for frame in frames) == 2 * RATE
    at = 0
    for frame in frames:
        assert frame.pts == at
        at += len(frame.samples)
    assert [name for name, _ in result.graph.marks[1]] == ["tts_first"]


def test_the_next_sentence_is_made_while_the_one_before_is_played() -> None:
    async def say(graph: Graph) -> None:
        graph.node("texts").say(*(f"sentence {number}" for number in range(12)))
        await idle(graph)

    graph, marks = paced(say)
    begun = dict((text, at) for at, text in graph.node("voice").begun)
    starts = {mark.sentence.text: mark.pts / RATE for mark in marks if mark.kind == "sentence_start"}
    assert list(starts) == list(begun) == [f"sentence {number}" for number in range(12)]
    assert starts["sentence 0"] == pytest.approx(0.1, abs=0.05)
    gaps = [starts[f"sentence {n + 1}"] - starts[f"sentence {n}"] for n in range(11)]
    assert gaps == pytest.approx([1.0] * 11, abs=0.001)  # without a hole between them
    ahead = [starts[text] - begun[text] for text in starts]
    assert 7 < max(ahead) < 10  # the look-ahead is bounded: 8 s, and what waits in the edge and the pacer


def test_a_sentence_without_speech_only_ends() -> None:
    _, (frame, last, *_) = hear("", "one")
    assert (len(frame.samples), frame.sentence_end, frame.final, frame.of.text) == (0, True, False, "")
    assert last.of.text == "one"


@pytest.mark.parametrize(
    ("speech", "error", "spoken"),
    [
        (("one", "die 0", "two"), "the voice died", ["one", "two"]),
        (("one", "die 1", "two"), "the voice died", ["one", "die 1", "two"]),
        (("one", "die 0"), "the voice died", ["one"]),
        (("one", "die 1"), "the voice died", ["one", "die 1"]),
        (("die 0",), "the voice died", []),
        (("bug 1", "two"), "voice failed: ZeroDivisionError", ["bug 1", "two"]),
        (("endless", "two"), "the voice did not come to an end of a sentence", ["endless", "two"]),
    ],
)
def test_a_sentence_that_fails_is_left_out_and_the_reply_ends(
    speech: tuple[str, ...], error: str, spoken: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def say(graph: Graph) -> None:
        graph.node("texts").say(*speech)
        await idle(graph)
        graph.node("texts").say("again")
        await idle(graph)

    graph, marks = paced(say)
    assert [event.text for event in graph.events if event.name == "error"] == [error]
    assert [mark.sentence.text for mark in marks if mark.kind == "sentence_end"] == [*spoken, "again"]
    assert [mark.gen for mark in marks if mark.kind == "reply_end"] == [1, 2]
    assert [event.name for event in graph.events if event.name in ("turn_done", "turn_failed")] == [
        "turn_failed",
        "turn_done",
    ]


def test_a_cut_closes_the_stream_and_drops_what_was_made_ahead() -> None:
    async def say(graph: Graph) -> None:
        graph.node("texts").say("one", "two", "hang 1")
        await asyncio.sleep(0.5)
        assert graph.node("voice").closed == 2
        graph.fence.cut("barge-in")
        await asyncio.sleep(0.01)
        assert graph.node("voice").closed == 3
        graph.node("texts").say("again")
        await idle(graph)

    graph, marks = paced(say)
    assert [mark.sentence.text for mark in marks if mark.kind == "sentence_end"] == ["again"]
    assert all(edge.entered == edge.taken + edge.dropped + edge.stale for edge in graph.edges)


def test_a_voice_that_cannot_speak_at_all_is_replaced_before_a_word_is_lost() -> None:
    class Broken(Voice):
        async def speak(self, text: str) -> AsyncGenerator[F32, None]:
            raise ProviderError("no internet")
            yield

    async def main() -> list[str]:
        kinds = {"test.texts": Texts, "test.broken": Broken, "test.voice": Voice, "test.end": sink(Mark)}
        registry = Registry("vaidol.nodes", extra=kinds)
        nodes = {
            "texts": {"use": "test.texts"},
            "voice": {"use": "test.broken", "fallback": "other", "on_error": {"policy": "fallback"}},
            "other": {"use": "test.voice"},
            "out": {"use": "webrtc.out"},
            "end": {"use": "test.end"},
        }
        edges = ["texts.text -> voice.text", "voice.audio -> out.audio", "out.spoken -> end.in"]
        plan = compile_plan(from_dict({"version": 1, "name": "test", "nodes": nodes, "edges": edges}), registry)
        engine = Engine(registry)
        async with Graph(plan, engine, ends={"call": CallDouble()}) as graph:
            graph.node("texts").say("one", "two")
            await idle(graph)
            marks = [mark for _, mark in graph.node("end").got]
        engine.close()
        return [mark.sentence.text for mark in marks if mark.kind == "sentence_end"]

    assert run_virtual(main()) == ["one", "two"]

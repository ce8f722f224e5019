"""What the real nodes hand to those that take their places: talk, turns, speech under way, the queue of the pacer."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio, Sentence, Speech, Utterance
from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.nodes.agent._memory import Conversation
from vaidol.nodes.vad._hysteresis import Hysteresis
from vaidol.nodes.webrtc.out import WebrtcOut
from vaidol.server.cli.run import Listener
from vaidol.tests.graphs import sink, source

RATE = 16_000


class OtherOut(WebrtcOut):
    """webrtc.other: the same."""


def test_an_agent_remembers_the_talk_of_the_one_before_under_its_own_persona() -> None:
    old, new = Conversation("you are old"), Conversation("you are new")
    old.user("my name is Ada", 1)
    old.begin(1)
    old.heard(1, "Hello Ada.")
    old.end(1)
    new.go_on(old)
    assert [m["content"] for m in new.messages()] == ["you are new", "my name is Ada", "Hello Ada."]


def test_speech_under_way_is_known_to_the_next_hysteresis() -> None:
    settings: dict[str, Any] = {"onset": 0.5, "offset": 0.35, "onset_ms": 96, "min_dbfs": -55.0, "above_noise_db": 6.0}
    old, new = Hysteresis(hangover_ms=160, **settings), Hysteresis(hangover_ms=320, **settings)
    for i in range(6):
        old.window(0.9, -20.0, i * 512, (i + 1) * 512)
    new.go_on(old)
    ends = [new.window(0.0, -80.0, i * 512, (i + 1) * 512) for i in range(6, 30)]
    told = [end for end in ends if end is not None]
    assert [(one.active, one.pts) for one in told] == [(False, 6 * 512)]


def spoken(silence_ms: int, use: str) -> dict[str, Any]:
    return {
        "version": 1, "name": "t",
        "nodes": {
            "vad": {"use": "t.vad"}, "mic": {"use": "t.mic"}, "turn": {"use": use, "with": {"silence_ms": silence_ms}},
            "ear": {"use": "t.ear"},
        },
        "edges": ["vad.out -> turn.speech", "mic.out -> turn.audio", "turn.utterance -> ear.in"],
    }  # fmt: skip


def test_a_turn_node_swapped_in_mid_word_sends_the_whole_utterance() -> None:
    sound = np.linspace(0, 1, RATE * 4, dtype=np.float32)
    mic = [(at / RATE, Audio(samples=sound[at : at + 320], pts=at)) for at in range(0, len(sound), 320)]
    vad = [(1.0, Speech(active=True, pts=RATE)), (2.2, Speech(active=False, pts=2 * RATE))]
    kinds = Registry(
        "vaidol.nodes",
        extra={
            "t.mic": source(Audio, mic, rate=RATE),
            "t.vad": source(Speech, vad),
            "t.ear": sink(Utterance),
        },
    )

    def plan(silence_ms: int, use: str) -> Plan:
        return compile_plan(from_dict(spoken(silence_ms, use)), kinds)

    async def main() -> list[Utterance]:
        engine = Engine(kinds)
        async with Graph(plan(500, "turn.silence"), engine) as graph:
            await asyncio.sleep(1.5)
            change = await graph.swaps.apply(plan(600, "turn.silence"), "frame")
            assert change.outcome == "applied"
            await asyncio.sleep(3)
            heard = [frame for _, frame in graph.node("ear").__dict__.get("got", [])]
        engine.close()
        return heard

    (utterance,) = run_virtual(main())
    assert utterance.pts <= RATE, "it begins before the swap"
    assert utterance.pts + len(utterance.samples) >= 2 * RATE
    assert np.array_equal(utterance.samples, sound[utterance.pts : utterance.pts + len(utterance.samples)])
    assert utterance.trace == 1


def test_a_reply_plays_on_through_another_out_node() -> None:
    of = Sentence(text="one two three four", gen=1)
    tone = np.full(4_800, 0.5, np.float32)
    reply = [Audio(samples=tone, rate=48_000, gen=1, of=of, final=i == 9, sentence_end=i == 9) for i in range(10)]
    voice = source(Audio, [(0.1, f) for f in reply], rate=48_000, replies=True)
    kinds = Registry("vaidol.nodes", extra={"t.voice": voice, "webrtc.other": OtherOut})

    class Ears(Listener):
        def __init__(self) -> None:
            super().__init__()
            self.played: list[tuple[int, float]] = []

        def play(self, samples: Any, pts: int) -> None:
            self.played.append((pts, float(abs(samples).max())))

    def plan(use: str) -> Plan:
        nodes = {"voice": {"use": "t.voice"}, "out": {"use": use}}
        spec = {"version": 1, "name": "t", "nodes": nodes, "edges": ["voice.out -> out.audio"]}
        return compile_plan(from_dict(spec), kinds)

    async def main() -> Ears:
        engine, ears = Engine(kinds), Ears()
        async with Graph(plan("webrtc.out"), engine, ends={"call": ears}) as graph:
            graph.fence.begin(1)
            await asyncio.sleep(0.5)
            await graph.swaps.apply(plan("webrtc.other"), "now")
            await asyncio.sleep(2)
            assert not graph.fence.turns, "the reply was played to its end"
        engine.close()
        return ears

    played = run_virtual(main()).played
    at = [pts for pts, _ in played]
    assert at == [i * 960 for i in range(len(at))], "the cursor goes on"
    loud = [level > 1000 for _, level in played]
    assert sum(loud) == 51, "every packet of the reply, once, and one in which it slides to silence"
    assert loud[loud.index(True) :][:50] == [True] * 50, "without a hole"

"""turn.smart: soon after what sounds finished, late after what does not, and revocable until the reply is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs import Result, play
from tests.nodes.turn.voice import Ear, Script, agent, voice
from vaidol.graph.frames import Transcript, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph

EDGES = [
    "voice.speech -> turn.speech", "voice.audio -> turn.audio", "turn.utterance -> asr.audio",
    "asr.utterance -> agent.utterance", "agent.audio -> ear.audio",
    "turn.partial -> asr.partial",
    {"from": "asr.transcript", "to": "turn.transcript", "feedback": True},
]  # fmt: skip
Judge = Callable[[float], float]  # (ms of sound) -> probability


class Model:
    """Stands for the turn model; `heard` are the ms of sound it was asked about."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.heard: list[float] = []

    def finished(self, samples: Any) -> float:
        self.heard.append(len(samples) / 16)
        return self.judge(len(samples) / 16)


def recognizer(words: Callable[[Utterance], str], *, after_s: float = 0.1) -> type[Node[Any]]:
    """Passes utterances on after `after_s`, with what it understood of them."""

    class Recognizer(Node[Settings]):
        inputs = (Port("audio", Utterance), Port("partial", Utterance, optional=True))
        outputs = (Port("transcript", Transcript), Port("utterance", Utterance))

        async def process(self, port: str, frame: Utterance) -> None:
            self.__dict__.setdefault("got" if port == "audio" else "partial", []).append((self.ctx.clock.s(), frame))
            await self.ctx.clock.sleep(after_s)
            final = port == "audio"
            self.emit("transcript", Transcript(text=words(frame), language="en", final=final, **frame.stamp()))
            if final:
                self.emit("utterance", frame)

    return Recognizer


def talk(
    script: Script,
    *,
    judge: Judge = lambda ms: 1.0,
    words: Callable[[Utterance], str] = lambda _: "Hello there.",
    answers: type[Node[Any]] | None = None,
    asr_s: float = 0.1,
    **with_: Any,
) -> Result:
    """Speak `script` to the node; `answers` answers."""
    nodes = {
        "voice": voice(script), "turn": ("turn.smart", with_), "asr": recognizer(words, after_s=asr_s),
        "agent": answers or agent(reply_s=1.0, after_s=0.2), "ear": Ear,
    }  # fmt: skip
    return play(nodes, EDGES, do=_until_quiet, shared={"smart turn smart-turn-v3.2": Model(judge)})


async def _until_quiet(graph: Graph) -> None:
    quiet = 0
    while quiet < 3:
        await asyncio.sleep(0.5)
        quiet = quiet + 1 if graph.idle else 0
        assert graph.clock.s() < 600


def answered(result: Result) -> list[Utterance]:
    """The utterances whose replies were committed and not taken back."""
    committed = result.graph.fence.committed
    return [frame for frame in result.frames("asr") if committed[frame.gen]]


def spans(result: Result) -> list[tuple[float, float]]:
    return [(u.pts / 16, (u.pts + len(u.samples)) / 16) for u in answered(result)]


def moment(result: Result, mark: str) -> float:
    """When it last happened, ms."""
    return [event.ns / 1e6 for event in result.named("mark") if event.code == mark][-1]


def ends(result: Result) -> list[tuple[str, str]]:
    return [(e.name, e.code) for e in result.events if e.name in ("turn_done", "turn_cut", "turn_failed")]


SPEECH: Script = [(1_000, False), (1_000, True), (3_000, False)]


def test_it_is_asked_again_until_it_sounds_finished() -> None:
    result = talk(SPEECH, judge=lambda ms: float(ms >= 1_800), words=lambda _: "My name is Anna.")
    assert moment(result, "endpoint") == pytest.approx(2_650, abs=25)
    model = result.graph.engine.shared["smart turn smart-turn-v3.2"]
    assert model.heard == pytest.approx([1_500, 1_700, 1_900], abs=21)


def test_a_question_is_answered_soon_whatever_it_sounds_like() -> None:
    asks = talk(SPEECH, judge=lambda ms: 0.1, words=lambda _: "Why is the sky blue?")
    assert moment(asks, "endpoint") == pytest.approx(2_450, abs=25)


def test_words_that_go_on_are_waited_for() -> None:
    waits = talk(SPEECH, words=lambda _: "I would like to order a")
    assert moment(waits, "endpoint") == pytest.approx(2_000 + 1_600, abs=25)
    pause: Script = [(500, False), (1_000, True), (1_200, False), (1_000, True), (3_000, False)]
    result = talk(pause, words=lambda u: "I would like to" if len(u.samples) < 2 * 16_000 else "I would like to go.")
    assert len(answered(result)) == 1
    assert spans(result) == [(200, 3_900)]
    assert ends(result) == [("turn_cut", "abandoned"), ("turn_done", "")]


def test_nothing_is_heard_before_the_end_is_decided_and_the_gain_is_the_silence() -> None:
    answers = agent(reply_s=1.0, after_s=0.2)
    ahead = talk(SPEECH, judge=lambda ms: 0.0, answers=answers, question_ms=900)
    late = talk(SPEECH, judge=lambda ms: 0.0, answers=answers, question_ms=900, speculate_ms=0)
    sounds = [
        next(n * 20 for n, level in enumerate(r.graph.cells["ear"].node.__dict__["heard"]) if level > 0)
        for r in (ahead, late)
    ]
    assert sounds[0] == pytest.approx(2_920, abs=41)
    assert sounds[1] - sounds[0] == pytest.approx(300, abs=41)  # recognizer and agent


def test_who_goes_on_before_the_reply_sounds_takes_the_end_back() -> None:
    script: Script = [(500, False), (1_000, True), (400, False), (1_000, True), (3_000, False)]
    result = talk(script, answers=agent(reply_s=1, after_s=0.5))
    assert spans(result) == [(200, 3_100)]
    assert ends(result) == [("turn_cut", "abandoned"), ("turn_done", "")]
    assert [e.name for e in result.events if e.name in ("hold", "turn_commit")] == [
        "turn_commit",
        "hold",
        "turn_commit",
    ]
    traces = {frame.trace for frame in result.frames("asr")}
    assert traces == {1}


def test_a_cough_after_the_end_does_not_take_it_back() -> None:
    script: Script = [(500, False), (1_000, True), (500, False), (160, True), (3_000, False)]
    result = talk(script, answers=agent(reply_s=1, after_s=0.6))
    assert ends(result) == [("turn_done", "")]
    assert len(answered(result)) == 1


def test_who_interrupts_a_reply_that_sounds_begins_a_new_turn() -> None:
    script: Script = [(500, False), (1_000, True), (1_000, False), (1_000, True), (4_000, False)]
    result = talk(script, answers=agent(reply_s=5, after_s=0.2))
    assert ends(result)[0] == ("turn_cut", "barge-in")
    assert ends(result)[-1] == ("turn_done", "")
    assert [frame.trace for frame in answered(result)] == [1, 2]


STORY: Script = [(500, False), (1_600, True), (1_500, False)]  # the first words come while the user speaks


def said(text: str) -> Callable[[Utterance], str]:
    """The words of what interrupts; those of the question before are others."""
    return lambda frame: "Tell me a story." if frame.pts < 3_000 * 16 else text


@pytest.mark.parametrize(
    ("ms", "text", "cut"),
    [
        (400, "Yeah, right.", False),
        (400, "What?", True),
        (240, "Stop!", True),
        (240, "Mhm.", False),
        (240, "", False),
        (1_000, "Yeah, yeah, yeah.", True),
    ],
)
def test_a_word_of_agreement_does_not_end_the_reply(ms: int, text: str, cut: bool) -> None:
    script: Script = [*STORY, (ms, True), (4_000, False)]
    result = talk(script, words=said(text), answers=agent(reply_s=3, after_s=0.1))
    assert (ends(result)[0] == ("turn_cut", "barge-in")) is cut
    if not cut:
        assert [e.name for e in result.events if e.name in ("hold", "resume")] == ["hold", "resume"]
        assert ends(result) == [("turn_done", "")]


def test_words_that_never_come_do_not_hold_the_reply_for_ever() -> None:
    def hangs(frame: Utterance) -> str:
        return "Tell me a story."

    script: Script = [*STORY, (400, True), (6_000, False)]
    result = talk(script, words=hangs, answers=agent(reply_s=3, after_s=0.1), asr_s=0.65)
    assert "resume" in [e.name for e in result.events]


def test_words_come_while_the_user_speaks_and_seldom_on_a_busy_machine() -> None:
    long: Script = [(500, False), (6_000, True), (3_000, False)]

    def asked(asr_s: float) -> int:
        result = talk(long, asr_s=asr_s)
        frames = [frame for _, frame in result.graph.cells["asr"].node.__dict__["partial"]]
        assert all(frame.trace == 1 and not frame.final and not frame.gen for frame in frames)
        return len(frames)

    assert asked(0.05) == pytest.approx(8, abs=1)
    assert asked(0.3) == pytest.approx(4, abs=1)
    assert asked(0.9) == 1


def test_a_recognizer_that_fails_leaves_no_turn_open() -> None:
    def fails(_: Utterance) -> str:
        raise RuntimeError("no words")

    result = talk(SPEECH, words=fails)
    assert not result.graph.fence.turns
    assert {name for name, _ in ends(result)} == {"turn_failed"}


scripts = st.lists(st.tuples(st.integers(1, 60).map(lambda n: n * 20), st.booleans()), min_size=1, max_size=16).map(
    lambda script: [(200, False), *script, (4_000, False)]
)


@settings(max_examples=60, deadline=None)
@given(scripts, st.sampled_from([0.05, 0.4, 1.2]), st.sampled_from(["Well then.", "and the"]), st.integers(0, 400))
def test_no_word_is_lost_or_answered_twice(script: Script, after_s: float, words: str, speculate_ms: int) -> None:
    result = talk(
        script,
        judge=lambda ms: float(int(ms) % 3 > 0),
        words=lambda _: words,
        answers=agent(reply_s=1.0, after_s=after_s),
        speculate_ms=speculate_ms,
    )
    heard = spans(result)
    assert all(one[1] <= other[0] for one, other in pairwise(heard))
    assert all(np.array_equal(u.samples, np.arange(u.pts, u.pts + len(u.samples))) for u in answered(result))
    for begin, end in _bursts(script):
        if end - begin >= 320:
            assert any(first <= begin and end <= last for first, last in heard), (begin, end, heard)
    assert not result.graph.fence.turns
    assert result.errors == []


def _bursts(script: Script) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = 0
    for ms, speech in script:
        if speech and found and found[-1][1] == at:
            found[-1] = (found[-1][0], at + ms)
        elif speech:
            found.append((at, at + ms))
        at += ms
    return found

"""A word while the answer takes long: only then, at once cut, and never remembered."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, ClassVar

import pytest

from vaidol.graph.frames import Transcript, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scenario import check
from vaidol.graph.scenario_check import verdicts
from vaidol.graph.scenario_play import Record
from vaidol.graph.yamlfile import Document
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.sim.agent import SimAgent
from vaidol.nodes.sim.tts import SimTts
from vaidol.server.cli.scenario import run_scenario

AFTER_MS = 1_000
ASK: dict[str, Any] = {"at": 0.2, "say": "Tell me a story"}


class Agent(SimAgent):
    """Keeps what it was asked."""

    asked: ClassVar[list[list[Message]]] = []

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        self.asked.append([dict(message) for message in messages])  # type: ignore[misc]
        async for piece in super().stream(messages):
            yield piece


class Voice(SimTts):
    """Keeps what it spoke."""

    said: ClassVar[list[str]] = []

    async def speak(self, text: str) -> AsyncGenerator[Any, None]:
        self.said.append(text)
        async for piece in super().speak(text):
            yield piece


class Deaf(Node[Settings]):
    """Takes its time to understand nothing."""

    inputs = (Port("audio", Utterance), Port("partial", Utterance, optional=True))
    outputs = (Port("transcript", Transcript),)

    async def process(self, port: str, frame: Utterance) -> None:
        await self.ctx.clock.sleep(1)
        self.ctx.events.publish("transcript", gen=frame.gen, trace=frame.trace)
        self.emit("transcript", Transcript(final=port == "audio", **frame.stamp()))


KINDS = Registry("vaidol.nodes", extra={"x.agent": Agent, "x.voice": Voice, "x.deaf": Deaf})


def play(
    *script: dict[str, Any], first_ms: float, filler_ms: int = AFTER_MS, ears: str = "sim.asr", **settings: Any
) -> Record:
    """A conversation with an agent that needs `first_ms` to begin."""
    Agent.asked.clear()
    Voice.said.clear()
    filling = {"use": "text.sentences", "with": {"filler_ms": filler_ms, **settings}}
    data = {
        "version": 1, "name": "filler", "script": list(script), "never": [{"event": "error"}],
        "replies": [{"text": "Once there was a robot. It had a dog.", "first_ms": first_ms}],
        "simulate": {
            "sentences": filling, "agent": {"use": "x.agent"}, "tts": {"use": "x.voice"}, "asr": {"use": ears},
        },
    }  # fmt: skip
    given = check(Document(data, "filler.yaml"))
    record = run_scenario(given, "default", KINDS)
    assert [(v.what, v.found) for v in verdicts(given, record) if not v.ok] == [], record.seen
    assert record.wrong == {}
    return record


def times(record: Record, what: str) -> list[float]:
    return [seen.ms for seen in record.seen if seen.what == what]


def test_a_slow_answer_is_led_in_by_a_word_and_a_quick_one_is_not() -> None:
    slow = play(ASK, first_ms=3_000)
    assert Voice.said == ["Hmm.", "Once there was a robot.", "It had a dog."]
    assert times(slow, "sound")[0] - times(slow, "begin")[0] == pytest.approx(AFTER_MS + 100, abs=80)
    assert [seen.text for seen in slow.seen if seen.what == "reply"] == ["Once there was a robot.", "It had a dog."]
    play(ASK, first_ms=600)
    assert Voice.said == ["Once there was a robot.", "It had a dog."]
    play(ASK, first_ms=3_000, filler_ms=0)
    assert Voice.said[0] == "Once there was a robot."


def test_the_words_are_those_of_the_language_in_turn_or_ones_own() -> None:
    twice = [ASK, {"after": "done", "say": "Another one please"}]
    play(*twice, first_ms=2_000, language="de")
    assert [text for text in Voice.said if "robot" not in text and "dog" not in text] == ["Hm.", "Moment."]
    play(*twice, first_ms=2_000, fillers=["Well,"])
    assert Voice.said.count("Well,") == 2


def test_it_is_never_remembered_and_cut_like_everything_else() -> None:
    stop = {"after": "sound", "wait_ms": 50, "say": "No wait, what is the time", "expect": [
        {"event": "hold", "since": "begin", "within_ms": 200}, {"event": "cut", "since": "begin", "within_ms": 700},
        {"event": "done"},
    ]}  # fmt: skip
    record = play(
        ASK,
        stop,
        {"after": "done", "type": "Thanks"},
        first_ms=2_000,
        fillers=["Let me think about that for a long while."],
    )
    assert [seen.text for seen in record.seen if seen.what == "cut"] == [""]
    talk = [(message["role"], message["content"]) for message in Agent.asked[-1] if message["role"] != "system"]
    assert talk[-3:] == [
        ("user", "Tell me a story No wait, what is the time"),
        ("assistant", "Once there was a robot. It had a dog."),
        ("user", "Thanks"),
    ]


def test_nobody_who_goes_on_or_only_coughs_hears_it() -> None:
    halves = [{"at": 0.2, "say": "I would like"}, {"wait_ms": 500, "say": "to hear a story"}]
    went_on = play(*halves, first_ms=2_400)
    assert len(times(went_on, "begin")) == 1
    assert Voice.said.count("Hmm.") == 1, "one for the whole, none for the half"
    assert times(went_on, "sound")[0] > times(went_on, "begin")[0] + AFTER_MS
    play({"at": 0.2, "say": "Hrrm", "ms": 500}, first_ms=1_000, filler_ms=100, ears="x.deaf")
    assert Voice.said == []

"""People as they talk, heard by the real models on the virtual clock: interruptions, agreement, coughs, pauses."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soxr

from vaidol.graph.registry import Registry
from vaidol.graph.scenario import check
from vaidol.graph.scenario_check import verdicts
from vaidol.graph.scenario_play import Record
from vaidol.graph.yamlfile import Document
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.sim.agent import SimAgent
from vaidol.server.cli.scenario import run_scenario
from vaidol.tests.bench._noises import noises
from vaidol.tests.bench._speech import RATE, say, write

STORY = (
    "Once upon a time there was a small robot. It lived on a hill, far away from the city. Every night it counted the"
    " stars. It never found the same number twice, but it did not mind."
)
TIME = "It is noon, and the sun is out over the whole of the town."
REPLIES = [{"to": "story", "text": STORY}, {"to": "time", "text": TIME}, {"to": "table", "text": "For two, then."}]
STEP = 16_000


class Agent(SimAgent):
    """Keeps what it was asked."""

    asked: ClassVar[list[list[Message]]] = []

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        self.asked.append([dict(message) for message in messages[len(self.memory.head) :]])  # type: ignore[misc]
        async for piece in super().stream(messages):
            yield piece


KINDS = Registry("vaidol.nodes", extra={"x.agent": Agent})


class Voices:
    """Sound files of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sound(self, name: str, samples: Any) -> str:
        write(self.folder / f"{name}.wav", samples)
        return f"{name}.wav"

    def say(self, *parts: str | float, voice: str = "en-us") -> str:
        """Words and pauses (s)."""
        name = "".join(c for c in f"{voice}{parts}" if c.isalnum())[:60]
        pieces = [
            _loud(_spoken(part, voice)) if isinstance(part, str) else np.zeros(int(part * RATE), np.float32)
            for part in parts
        ]
        return self.sound(name, np.concatenate(pieces))

    def play(self, *script: dict[str, Any], **more: Any) -> Record:
        """The conversation, in which everything expected must come true."""
        Agent.asked.clear()
        data = {
            "version": 1, "name": "people", "replies": REPLIES, "script": list(script), "real": ["vad", "turn", "asr"],
            "costs_ms": {"asr": 120, "turn": 50}, "simulate": {"agent": {"use": "x.agent"}},
            "never": [{"event": "error"}, {"event": "failed"}], **more,
        }  # fmt: skip
        given = check(Document(data, str(self.folder / "people.yaml")))
        record = run_scenario(given, "default", KINDS)
        assert [(v.what, v.found) for v in verdicts(given, record) if not v.ok] == [], record.seen
        assert record.wrong == {}
        return record


def _spoken(text: str, voice: str) -> Any:
    """`text` by espeak-ng, or by hibari."""
    if voice != "hibari":
        return say(text, voice=voice)
    from vaidol.models.hibari import Hibari

    return soxr.resample(Hibari().speak(text), 24_000, RATE).astype(np.float32)


def _loud(samples: Any) -> Any:
    """From the first to the last loud sample."""
    heard = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[heard[0] : heard[-1] + 1]


@pytest.fixture
def voices(tmp_path: Path) -> Voices:
    return Voices(tmp_path)


def texts(record: Record, what: str) -> list[str]:
    return [seen.text for seen in record.seen if seen.what == what]


def test_interruptions_at_every_second_of_a_reply_are_heard_and_remembered_to_the_word(voices: Voices) -> None:
    ask, stop = voices.say("Tell me a story."), voices.say("Wait, please tell me a story again.", voice="en-gb")
    interruptions = [
        {"after": "sound", "wait_ms": second * 1000, "sound": stop, "expect": [
            {"event": "hold", "since": "begin", "within_ms": 400},
            {"event": "cut", "since": "begin", "within_ms": 1500},
            {"event": "transcript", "text": "story"}, {"event": "reply", "text": "once upon a time"},
        ]} for second in (1, 2, 3, 4, 5)
    ]  # fmt: skip
    record = voices.play({"at": 0.5, "sound": ask}, *interruptions, limit_s=120)
    cuts = texts(record, "cut")
    assert len(cuts) == 5
    assert all(STORY.startswith(heard) and "..." not in heard for heard in cuts)
    assert [len(heard.split()) for heard in cuts] == sorted(len(heard.split()) for heard in cuts)
    replies = [message["content"] for message in Agent.asked[-1] if message["role"] == "assistant"]
    assert replies == [heard for heard in cuts if heard], "what is remembered is what was played"


def test_agreement_coughs_and_music_do_not_end_a_reply(voices: Voices) -> None:
    sounds = noises(6.0)
    coughs, music = (
        voices.sound(name, soxr.resample(sounds[name].astype(np.float32), STEP, RATE)) for name in ("coughs", "music")
    )
    never = [{"event": "cut"}]
    record = voices.play(
        {"at": 0.5, "sound": voices.say("Tell me a story.")},
        {"after": "sound", "wait_ms": 1000, "sound": voices.say("Uh-huh.", voice="hibari"), "never": never},
        {"wait_ms": 1000, "sound": voices.say("Yeah."), "never": never},
        {"wait_ms": 300, "sound": coughs, "never": never},
        {"wait_ms": 300, "sound": music, "never": never},
    )
    assert texts(record, "reply")[-1].endswith("mind.")
    assert len(texts(record, "begin")) == 1


def test_a_long_thought_in_the_middle_of_a_sentence_is_waited_for(voices: Voices) -> None:
    sound = voices.say("I would like to book a table for", 1.1, "two people tomorrow evening.", voice="hibari")
    record = voices.play(
        {"at": 0.5, "sound": sound, "expect": [{"event": "transcript", "text": "tomorrow"}, {"event": "sound"}]},
        never=[{"event": "sound", "before": "transcript"}, {"event": "error"}],
    )
    assert len(texts(record, "begin")) == 1
    said = [message["content"] for message in Agent.asked[-1] if message["role"] == "user"]
    assert len(said) == 1, "one question, whole"
    assert "table" in said[0]
    assert "tomorrow" in said[0]


def test_question_and_answer_in_quick_succession(voices: Voices) -> None:
    ask = voices.say("What time is it?")
    turn = {"after": "done", "wait_ms": 80, "sound": ask, "expect": [{"event": "sound", "within_ms": 1200}]}
    first = {"at": 0.5, "sound": ask, "expect": [{"event": "sound", "within_ms": 1200}]}
    record = voices.play(first, turn, turn, turn, never=[{"event": "cut"}, {"event": "error"}])
    assert texts(record, "reply").count(TIME) == 4


def test_two_people_at_once_interrupt_and_get_one_answer(voices: Voices) -> None:
    one, other = say("Stop, what time is it?"), say("Please wait, what time is it now?", voice="en-gb+f3")
    both = np.zeros(max(len(one), len(other)), np.float32)
    both[: len(one)] += 0.6 * one
    both[: len(other)] += 0.6 * other
    record = voices.play(
        {"at": 0.5, "sound": voices.say("Tell me a story.")},
        {"after": "sound", "wait_ms": 1500, "sound": voices.sound("both", both), "expect": [
            {"event": "hold", "since": "begin", "within_ms": 400},
            {"event": "cut", "since": "begin", "within_ms": 2000},
            {"event": "done"},
        ]},
    )  # fmt: skip
    assert len(texts(record, "cut")) == 1
    assert len(texts(record, "begin")) == 2

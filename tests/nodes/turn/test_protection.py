"""Words that nobody may interrupt: what is said meanwhile takes effect when they are over, or never."""

from __future__ import annotations

from typing import Any

import pytest

from vaidol.graph.scenario import check
from vaidol.graph.scenario_check import verdicts
from vaidol.graph.scenario_play import Record
from vaidol.graph.yamlfile import Document
from vaidol.server.cli.scenario import run_scenario

FIRST, REST = "Please note that this call is recorded.", "Now we can talk about the weather and about the garden."
ASK: dict[str, Any] = {"at": 0.2, "say": "Tell me a story"}
INTO_IT: dict[str, Any] = {"after": "sound", "wait_ms": 300, "say": "Wait, what time is it"}  # takes 1.3 of its 2.5 s


def play(*script: dict[str, Any], mark: str = "[protected] ", **turn: Any) -> Record:
    replies = [{"to": "story", "text": f"{mark}{FIRST} {REST}"}, {"to": "time", "text": "It is noon."}]
    data = {
        "version": 1, "name": "protected", "replies": replies, "script": list(script), "never": [{"event": "error"}],
        "simulate": {"turn": {"use": "sim.turn", "with": turn}},
    }  # fmt: skip
    given = check(Document(data, "protected.yaml"))
    record = run_scenario(given, "default")
    assert [(v.what, v.found) for v in verdicts(given, record) if not v.ok] == [], record.seen
    assert record.wrong == {}
    return record


def texts(record: Record, what: str) -> list[str]:
    return [seen.text for seen in record.seen if seen.what == what]


def test_an_unprotected_sentence_is_cut() -> None:
    record = play(ASK, INTO_IT, mark="")
    assert len(texts(record, "cut")[0]) < len(FIRST)
    assert len(texts(record, "hold")) == 1


def test_a_protected_sentence_is_heard_to_its_end_and_the_question_answered_then() -> None:
    record = play(ASK, INTO_IT)
    assert texts(record, "hold") == []
    assert texts(record, "cut") == [FIRST]
    assert texts(record, "reply")[:2] == ["Please note that this call is recorded.", "It is noon."] or (
        texts(record, "reply")[-1] == "It is noon."
    )


def test_what_is_said_meanwhile_can_be_ignored() -> None:
    record = play(ASK, INTO_IT, meanwhile="ignore")
    assert texts(record, "cut") == texts(record, "hold") == []
    assert texts(record, "transcript") == ["Tell me a story"]


def test_who_still_speaks_when_the_protected_words_are_over_interrupts_then() -> None:
    long = {**INTO_IT, "say": "Wait please wait I have a question and it is this one what time is it"}
    record = play(ASK, long)
    assert texts(record, "cut") == [FIRST]
    assert texts(record, "transcript")[-1].startswith("Wait please"), "nothing of it is lost"


def test_the_first_words_of_every_reply_can_be_protected() -> None:
    record = play(ASK, INTO_IT, mark="", protect_ms=2_000)
    held = next(seen.ms for seen in record.seen if seen.what == "cut")
    began = next(seen.ms for seen in record.seen if seen.what == "sound")
    assert held - began == pytest.approx(2_000, abs=60)
    assert texts(record, "reply")[-1] == "It is noon."


def test_a_word_of_agreement_meanwhile_changes_nothing() -> None:
    record = play(ASK, {"after": "sound", "wait_ms": 300, "say": "Mhm", "ms": 200})
    assert texts(record, "cut") == texts(record, "hold") == []
    assert texts(record, "reply")[-1].endswith("garden.")


def test_the_stop_button_ends_everything() -> None:
    record = play(ASK, {"after": "sound", "wait_ms": 300, "stop": True})
    assert len(texts(record, "cut")[0]) < len(FIRST)

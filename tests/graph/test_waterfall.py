"""Where the time went."""

from __future__ import annotations

import json

from vaidol.graph.attribution import Segment
from vaidol.graph.events import Event
from vaidol.graph.waterfall import chrome_trace, waterfall

MS = 1_000_000
MARKS = {3: [("endpoint", 1_300 * MS), ("speech_end", 1_000 * MS), ("first_sound", 1_650 * MS)], 4: []}


def test_every_moment_counts_from_the_end_of_speech() -> None:
    (told,) = waterfall(MARKS)
    assert told["trace"] == 3
    assert [(m["name"], m["ms"], m["step_ms"]) for m in told["moments"]] == [
        ("speech_end", 0.0, 0.0), ("endpoint", 300.0, 300.0), ("first_sound", 650.0, 350.0),
    ]  # fmt: skip


def test_typed_words_count_from_their_first_moment() -> None:
    assert waterfall({1: [("first_token", 70 * MS), ("first_sound", 90 * MS)]})[0]["moments"][1]["ms"] == 20.0


def test_a_trace_has_a_bar_for_every_step_and_no_words() -> None:
    events = [Event(1_650 * MS, "turn_spoke", gen=1, trace=3), Event(0, "transcript", text="secret")]
    trace = chrome_trace(MARKS, events, session="ab12")
    bars = [(e["name"], e["ts"], e["dur"]) for e in trace["traceEvents"] if e["ph"] == "X"]
    assert bars == [("endpoint", 1_000_000.0, 300_000.0), ("first_sound", 1_300_000.0, 350_000.0)]
    assert [e["name"] for e in trace["traceEvents"] if e["ph"] == "i"] == ["turn_spoke"]
    assert "secret" not in json.dumps(trace)


def test_a_trace_has_a_row_for_what_each_wait_was_spent_on() -> None:
    waits = {3: [Segment("listening", "", 1_000 * MS, 1_300 * MS), Segment("service", "asr", 1_300 * MS, 1_400 * MS)]}
    trace = chrome_trace(MARKS, [], waits=waits)
    bars = [(e["cat"], e["name"], e["dur"]) for e in trace["traceEvents"] if e["ph"] == "X" and e["pid"] == 2]
    assert bars == [("listening", "listening", 300_000.0), ("service", "asr", 100_000.0)]

"""Every millisecond of a wait has an owner; what has none is told."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vaidol.graph.answers import answers
from vaidol.graph.attribution import Segment, attribute, unattributed
from vaidol.graph.frames import Frame, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.graph.worklog import Span, WorkLog
from vaidol.tests.graphs import idle, play, sink, source

SPOKEN = {"speech_end": 0, "endpoint": 300, "first_sound": 900, "client_playout": 1000}


def told(segments: list[Segment]) -> list[tuple[str, str, int, int]]:
    return [tuple(segment) for segment in segments]


def test_an_answer_that_waits_for_its_nodes() -> None:
    spans = [
        Span("asr", 300, 310, 500),
        Span("agent", 500, 500, 1400),  # streams on
        Span("tts", 620, 650, 870),
        Span("out", 880, 880, 880),
        Span("out", 920, 920, 940),
    ]
    assert told(attribute(SPOKEN, spans, {"out"})) == [
        ("listening", "", 0, 300),
        ("queue", "asr", 300, 310),
        ("service", "asr", 310, 500),
        ("service", "agent", 500, 650),
        ("service", "tts", 650, 870),
        ("service", "agent", 870, 880),
        ("playout", "", 880, 900),
        ("network", "", 900, 1000),
    ]


def test_an_answer_made_ahead_waits_for_the_decision_alone() -> None:
    spans = [Span("asr", 50, 50, 120), Span("agent", 120, 120, 200), Span("out", 210, 210, 210)]
    assert told(attribute(SPOKEN | {"first_sound": 320}, spans, {"out"})) == [
        ("listening", "", 0, 300), ("playout", "", 300, 320), ("network", "", 320, 1000),
    ]  # fmt: skip


def test_time_that_nobody_accounts_for_is_told() -> None:
    spans = [Span("asr", 300, 300, 400), Span("tts", 600, 600, 900)]
    found = attribute(SPOKEN, spans)
    assert ("unattributed", "", 400, 600) in told(found)
    assert unattributed(found) == pytest.approx(0.2)


def test_without_a_sound_there_is_no_wait() -> None:
    assert attribute({"speech_end": 0, "endpoint": 5}, []) == []
    assert attribute({}, []) == []
    assert attribute({"speech_end": 10, "first_sound": 5}, []) == []
    assert unattributed([]) == 0.0


def test_typed_words_are_listened_to_no_longer() -> None:
    found = attribute({"speech_end": 100, "first_sound": 400}, [Span("agent", 100, 100, 390)])
    assert told(found) == [("service", "agent", 100, 390), ("playout", "", 390, 400)]


times = st.integers(0, 2000)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # beside other work
@given(
    st.fixed_dictionaries(
        {"speech_end": times, "first_sound": times}, optional={"endpoint": times, "client_playout": times}
    ),
    st.lists(st.tuples(st.sampled_from("abo"), st.lists(times, min_size=3, max_size=3).map(sorted)), max_size=12),
)
def test_segments_have_no_holes_and_no_overlap(
    moments: dict[str, int], given_spans: list[tuple[str, list[int]]]
) -> None:
    spans = sorted((Span(node, *at) for node, at in given_spans), key=lambda span: span.began)
    found = attribute(moments, spans, {"o"})
    if moments["speech_end"] >= moments["first_sound"]:
        assert all(segment.what == "network" for segment in found)
        return
    assert found[0].begin == moments["speech_end"]
    assert found[-1].end == max(moments["first_sound"], moments.get("client_playout", 0))
    assert all(a.end == b.begin and a.begin < a.end for a, b in itertools.pairwise(found))
    assert 0.0 <= unattributed(found) <= 1.0


class Works(Node[Settings]):
    """Takes 100 ms."""

    inputs = (Port("in", Transcript),)
    outputs = (Port("out", Transcript),)

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        await self.ctx.clock.sleep(0.1)
        self.ctx.mark(frame.trace, "first_sound")
        self.emit("out", frame)


def test_the_engine_notes_who_worked_on_what() -> None:
    script = [(0.01, Transcript(trace=7, text="hi")), (0.02, Transcript(trace=0))]

    async def do(graph: Graph) -> None:
        graph.mark(7, "speech_end", graph.clock.ns())
        graph.events.publish("transcript", trace=7, text="hi")
        graph.events.publish("reply", trace=7, text="Well,")
        graph.events.publish("reply", trace=7, text="hello.")
        graph.events.publish("turn_done", trace=7)
        await idle(graph)

    result = play(
        {"mic": source(Transcript, script), "one": Works, "ear": sink(Transcript)},
        ["mic.out -> one.in", "one.out -> ear.in"],
        do=do,
    )
    (one,) = answers(result.graph)
    assert (one["heard"], one["reply"], one["status"]) == ("hi", "Well, hello.", "done")
    assert [(s["what"], s["node"], round(s["long_ms"])) for s in one["segments"]] == [
        ("unattributed", "", 10), ("service", "one", 100),
    ]  # fmt: skip
    assert [(w["node"], round(w["ms"]), round(w["long_ms"])) for w in one["work"]] == [("one", 10, 100)]
    assert one["total_ms"] == pytest.approx(110, abs=1)


def test_the_work_log_is_bounded() -> None:
    class Still:
        virtual = True

        def s(self) -> float:
            return 0.0

        def ns(self) -> int:
            return 0

    log: Any = WorkLog(Still())  # type: ignore[arg-type]
    for trace in range(1, 200):
        for _ in range(100):
            log.note(trace, "a", 0.0, 0.0)
    assert sum(len(log.spans(trace)) for trace in range(200)) == 64 * 64

"""A cut is a cut: random interrupts of random graphs, and of random conversations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaidol.graph.edges import Edge
from vaidol.graph.pacer import Pacer
from vaidol.graph.scenario_check import verdicts
from vaidol.graph.scenario_play import Record
from vaidol.tests.bench import _minute as minute
from vaidol.tests.bench.cut import found

FAULTS = ("stale", "reordered", "unbalanced", "unended_turns", "heard_not_prefix")


@pytest.mark.parametrize("seed", range(1000, 1010))
def test_nothing_slips_through_random_interrupts_of_random_graphs(seed: int) -> None:
    one = found(seed, 30)
    assert {name: one[name] for name in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert one["interrupts"] >= 30
    assert one["heard"] > 0


def test_the_check_would_see_what_slips_through(monkeypatch: pytest.MonkeyPatch) -> None:
    take = Edge.__init__

    def unfenced(self: Edge, *args: Any) -> None:
        take(self, *args)
        self.fenced = False

    monkeypatch.setattr(Edge, "__init__", unfenced)
    assert sum((found(seed, 30) for seed in range(3)), start=found(3, 30))["stale"] > 0
    monkeypatch.undo()
    heard = Pacer.heard
    monkeypatch.setattr(Pacer, "heard", lambda self, gen: (f"{heard(self, gen)[0]} and more", 0.0))
    assert found(0, 30)["heard_not_prefix"] > 0


STORY = "Once upon a time there was a robot. It lived on a hill, alone. It counted stars all night long. The end."
DEEDS = st.one_of(
    st.builds(lambda ms: {"say": "Tell me a story", "ms": ms}, st.integers(150, 2500)),
    st.builds(lambda ms: {"say": "Mhm", "ms": ms}, st.integers(40, 280)),
    st.just({"type": "Another story"}),
    st.just({"stop": True}),
    st.just({}),
)
PAUSES = st.one_of(st.integers(0, 60), st.integers(0, 3000))
SCRIPTS = st.lists(st.tuples(PAUSES, DEEDS), min_size=1, max_size=8)
FAILS = st.one_of(st.none(), st.integers(0, 12))


def talk(script: list[tuple[int, dict[str, Any]]], fail: int | None, slow: float) -> tuple[Record, list[str]]:
    steps = [{**deed, "wait_ms": pause} for pause, deed in script]
    replies = [{"text": STORY, "fail_after": fail}]
    simulate = {"tts": {"with": {"rtf": slow}}}
    given_one = minute.check(
        minute.Document(
            {"version": 1, "name": "random", "replies": replies, "simulate": simulate, "script": steps}, "random.yaml"
        )
    )
    plan, kinds = minute.prepared(given_one)
    record = minute.played(given_one, plan, kinds)
    again = minute.played(given_one, plan, kinds)
    assert again.digest == record.digest
    return record, [verdict.what for verdict in verdicts(given_one, record) if not verdict.ok]


@settings(max_examples=25, deadline=None)
@given(script=SCRIPTS, fail=FAILS, slow=st.sampled_from([0.0, 0.1, 0.9]))
def test_whatever_the_user_does_every_turn_ends_and_nothing_stale_is_heard(
    script: list[tuple[int, dict[str, Any]]], fail: int | None, slow: float
) -> None:
    record, wrong = talk(script, fail, slow)
    assert wrong == []
    begun = [seen.gen for seen in record.seen if seen.what == "begin"]
    ended = [seen.gen for seen in record.seen if seen.what in ("done", "cut", "failed")]
    assert sorted(begun) == sorted(ended)
    for seen in record.seen:
        if seen.what == "cut":
            assert STORY.startswith(seen.text)

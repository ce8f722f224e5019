"""How long turn.smart waits: the words give the range, the sound the place in it, the speaker's pauses move it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.turn.test_smart import SPEECH, answered, moment, talk
from tests.nodes.turn.voice import Script, agent
from vaidol.nodes.turn._delay import PATIENCE_MAX, Delay, Pace

DELAY = Delay(least=260, question=450, statement=650, silence=900, unfinished=1600)
sure = st.floats(0, 1)


@pytest.mark.parametrize(
    ("said", "sounds", "ms"),
    [
        ("Why is the sky blue?", 1.0, 300),  # the words came 100 ms after the VAD's hangover
        ("Why is the sky blue?", 0.0, 450),
        ("My name is Anna.", 1.0, 650),
        ("My name is Anna.", 0.0, 880),
        ("Because I like it.", 1.0, 1_240),
        ("I would like to order a.", 1.0, 1_600),
        ("I would like to order a.", 0.0, 1_600),
    ],
)
def test_the_words_give_the_range_and_the_sound_the_place_in_it(said: str, sounds: float, ms: float) -> None:
    result = talk(SPEECH, judge=lambda _: sounds, words=lambda _: said)
    assert moment(result, "endpoint") == pytest.approx(2_000 + ms, abs=45)
    assert [e.code for e in result.named("mark") if e.code != "voice_first"] == [
        "speech_end",
        "endpoint",
        "first_sound",
    ]
    assert moment(result, "speech_end") == pytest.approx(2_000, abs=1)


def test_without_words_the_sound_decides() -> None:
    quick, slow = (talk(SPEECH, judge=lambda _, p=p: p, speculate_ms=0) for p in (1.0, 0.0))
    assert moment(quick, "endpoint") == pytest.approx(2_260, abs=25)
    assert moment(slow, "endpoint") == pytest.approx(2_900, abs=25)


def test_a_speaker_without_pauses_is_answered_sooner_than_one_who_thinks() -> None:
    def last_wait(pause_ms: int) -> float:
        turn: Script = [(800, True), (pause_ms, False)] * 6
        words = "I see him and"  # goes on, until the last of it
        result = talk(
            [(500, False), *turn, (1_000, True), (3_000, False)],
            words=lambda u: "It is blue." if len(u.samples) > (500 + 6 * (800 + pause_ms)) * 16 else words,
        )
        assert len(answered(result)) == 1
        return moment(result, "endpoint") - (500 + 6 * (800 + pause_ms) + 1_000)

    assert last_wait(220) == pytest.approx(350, abs=60)
    assert last_wait(500) == pytest.approx(630, abs=60)
    assert last_wait(1_200) == pytest.approx(900, abs=60), "up to silence_ms"


def test_a_speaker_who_pauses_is_given_more_time() -> None:
    once: Script = [(1_000, True), (400, False), (1_000, True), (4_000, False)]
    result = talk([(500, False), *once * 4], answers=agent(reply_s=0.5, after_s=0.5))
    decided = [e.ns / 1e6 for e in result.named("turn_commit")]
    assert len(decided) < 8  # pauses no longer end the turn
    assert len(answered(result)) == 4


@given(st.one_of(st.none(), sure), sure, st.lists(st.floats(0, 5_000), max_size=30), st.integers(0, 9))
def test_it_is_always_between_the_least_and_the_most(
    words: float | None, sound: float, pauses: list[float], early: int
) -> None:
    pace = Pace()
    for ms in pauses:
        pace.paused(ms)
    for _ in range(early):
        pace.ended(early=True)
    assert 260 <= DELAY.after(words, sound, pace) <= (1600 if words is not None and words < 0.5 else 900)
    assert pace.patience <= PATIENCE_MAX


@given(sure, sure, sure, sure)
def test_the_more_finished_the_sooner(words: float, more: float, sound: float, louder: float) -> None:
    few, many = sorted((words, more))
    low, high = sorted((sound, louder))
    assert DELAY.after(few, low, Pace()) >= DELAY.after(many, high, Pace()) - 1e-6

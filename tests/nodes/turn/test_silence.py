"""turn.silence: whole utterances, one turn each, and a floor that the user can take at any moment."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs import Result, play
from tests.nodes.turn.voice import RATE, Ear, Script, agent, voice
from vaidol.graph.frames import Speech, Utterance
from vaidol.graph.node import Node
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.nodes.turn.silence import SilenceTurn

EDGES = ["voice.speech -> turn.speech", "voice.audio -> turn.audio", "turn.utterance -> agent.utterance"]
NOTHING = agent(reply_s=None)


def talk(script: Script | type[Node[Any]], answers: type[Node[Any]] = NOTHING, **with_: Any) -> Result:
    """Speak `script` to the node; `answers` answers."""
    nodes = {
        "voice": voice(script) if isinstance(script, list) else script,
        "turn": ("turn.silence", with_),
        "agent": answers,
        "ear": Ear,
    }
    return play(nodes, [*EDGES, "agent.audio -> ear.audio"], do=_until_quiet)


async def _until_quiet(graph: Graph) -> None:
    quiet = 0
    while quiet < 3:
        await asyncio.sleep(0.5)
        quiet = quiet + 1 if graph.idle else 0
        assert graph.clock.s() < 600


def utterances(result: Result) -> list[Utterance]:
    return result.frames("agent")


def spans(result: Result) -> list[tuple[float, float]]:
    """From when to when the sound of each utterance is, ms."""
    return [(u.pts / 16, (u.pts + len(u.samples)) / 16) for u in utterances(result)]


def ends(result: Result) -> list[tuple[str, str]]:
    """How each turn ended: (name of the event, reason)."""
    return [(e.name, e.code) for e in result.events if e.name in ("turn_done", "turn_cut", "turn_failed")]


# the end of the turn


def test_an_utterance_has_its_preroll_all_its_sound_and_a_generation_of_its_own() -> None:
    result = talk([(1_000, False), (800, True), (2_000, False)])
    (heard,) = utterances(result)
    assert spans(result) == [(700, 2_000)]
    assert np.array_equal(heard.samples, np.arange(700 * 16, 2_000 * 16))
    assert (heard.gen, heard.trace, heard.final, heard.rate) == (1, 1, True, RATE)
    ((when, _),) = result.at("agent")
    assert when == pytest.approx(1.8 + 0.5, abs=0.03)


def test_the_marks_say_when_speech_really_ended() -> None:
    result = talk([(1_000, False), (800, True), (2_000, False)], silence_ms=700)
    marks = {event.code: event.ns / 1e9 for event in result.named("mark")}
    assert marks["speech_end"] == pytest.approx(1.8, abs=0.001)
    assert marks["endpoint"] == pytest.approx(2.5, abs=0.021)


@pytest.mark.parametrize("silence_ms", [481, 490, 507, 519])
def test_a_silence_is_over_when_it_is_not_when_its_last_packet_comes(silence_ms: int) -> None:
    result = talk([(1_000, False), (800, True), (2_000, False)], silence_ms=silence_ms)
    marks = {event.code: event.ns / 1e9 for event in result.named("mark")}
    assert marks["speech_end"] == pytest.approx(1.8, abs=0.001)
    assert marks["endpoint"] == pytest.approx(1.8 + silence_ms / 1000, abs=0.001)
    assert len(utterances(result)) == 1


class ChangesItsMind(SilenceTurn):
    """Learns just before 507 ms of silence, between two packets, that it takes 900."""

    needed = 507.0

    @property
    def next_ms(self) -> float:
        return self.needed

    def while_quiet(self, ms: float) -> None:
        if ms == 500:
            self.ctx.clock.at(self.ctx.clock.s() + 0.003, lambda: setattr(self, "needed", 900.0))
        if ms >= self.needed:
            self.end_turn()


def test_a_silence_that_was_waited_for_is_no_longer_than_it_is() -> None:
    nodes = {"voice": voice([(800, True), (2_000, False)]), "turn": ChangesItsMind, "agent": NOTHING}
    result = play(nodes, EDGES, do=_until_quiet)
    (moment,) = [event.ns / 1e9 for event in result.named("mark") if event.code == "endpoint"]
    assert moment == pytest.approx(0.8 + 0.9, abs=0.001)


def test_a_pause_belongs_to_the_utterance_and_a_silence_ends_it() -> None:
    assert len(utterances(talk([(600, True), (380, False), (600, True), (1_000, False)]))) == 1
    assert len(utterances(talk([(600, True), (560, False), (600, True), (1_000, False)]))) == 2


def test_a_noise_is_no_utterance() -> None:
    assert utterances(talk([(500, False), (200, True), (1_000, False), (100, True), (1_000, False)])) == []


def test_an_onset_just_after_the_end_loses_nothing() -> None:
    """It is told 96 ms late, when the turn has ended already."""
    result = talk([(1_000, True), (480, False), (1_000, True), (1_000, False)])
    (_, first_end), (second, _) = spans(result)
    assert first_end == second == 1_200  # the onset at 1,480 ms and its pre-roll are in the second


def test_a_long_speech_is_cut_where_it_is_quiet_and_nothing_is_lost() -> None:
    result = talk(voice([(12_500, True), (1_000, False)], quiet_ms=(4_000, 4_060)), max_s=5)
    assert spans(result)[0] == (0, pytest.approx(4_030, abs=20))
    assert all(one[1] == other[0] for one, other in pairwise(spans(result)))
    assert spans(result)[-1][1] == 12_700
    assert all(end - begin <= 5_000 for begin, end in spans(result))
    assert [e.trace for e in result.named("turn_begin")] == [u.trace for u in utterances(result)]


def test_only_the_last_piece_of_a_long_speech_is_answered() -> None:
    result = talk([(7_000, True), (1_000, False)], agent(), max_s=5)
    assert ends(result) == [("turn_cut", "user went on"), ("turn_done", "")]


@pytest.mark.parametrize("again", [False, True])
def test_a_connection_that_goes_silent_ends_the_turn(again: bool) -> None:
    class Torn(voice([(1_000, True)])):  # type: ignore[misc]
        async def run(self) -> None:
            await super().run()
            await self.ctx.clock.sleep(5)
            if again:  # the vad never said that speech had ended
                from vaidol.graph.frames import Audio, Speech

                for number in range(100):
                    if number == 50:
                        self.emit("speech", Speech(active=False, pts=100 * 320))
                    samples = np.arange((50 + number) * 320, (51 + number) * 320, dtype=np.float32)
                    self.emit("audio", Audio(samples=samples, rate=RATE, pts=(50 + number) * 320))
                    await self.ctx.clock.sleep(0.02)

    result = talk(Torn)
    assert spans(result) == [(0, 1_000), (1_000, 2_200)][: 1 + again]
    assert result.at("agent")[0][0] == pytest.approx(2.5, abs=0.1)


def test_speech_may_come_before_or_after_its_sound() -> None:
    script = [(1_000, False), (800, True), (2_000, False), (400, True), (1_000, False)]
    assert spans(talk(voice(script, audio_first=True))) == spans(talk(script))


# the floor


QUESTION: Script = [(1_000, True), (1_500, False)]  # the answer sounds from 1,800 ms on


def loud(result: Result) -> list[bool]:
    """Whether the answer is heard, for each 20 ms."""
    return [level > 0 for level in result.graph.cells["ear"].node.__dict__["heard"]]


def test_who_interrupts_is_heard_and_the_reply_is_over() -> None:
    result = talk([*QUESTION, (1_000, True), (4_000, False)], agent(reply_s=5))
    assert [e.name for e in result.events if e.name in ("hold", "turn_cut")] == ["hold", "turn_cut"]
    assert ends(result) == [("turn_cut", "barge-in"), ("turn_done", "")]
    sound = loud(result)
    assert sound[2_450 // 20]
    assert not any(sound[2_660 // 20 : 3_900 // 20])  # 96 ms until the onset is told, 20 ms of fade
    assert spans(result)[1][0] == pytest.approx(2_200, abs=20)


def test_a_cough_only_pauses_the_reply() -> None:
    result = talk([*QUESTION, (200, True), (4_000, False)], agent(reply_s=2))
    assert [e.name for e in result.events if e.name in ("hold", "resume")] == ["hold", "resume"]
    assert ends(result) == [("turn_done", "")]
    assert len(utterances(result)) == 1
    assert sum(loud(result)) == pytest.approx(100, abs=3)


def test_agreement_is_not_answered_but_an_answer_to_the_end_of_the_reply_is() -> None:
    mhm = [*QUESTION, (280, True), (5_000, False)]
    assert len(utterances(talk(mhm, agent(reply_s=4)))) == 1
    assert len(utterances(talk(mhm, agent(reply_s=0.8)))) == 2


@pytest.mark.parametrize("pause_ms", [620, 700, 800])
def test_who_goes_on_before_the_reply_sounds_gets_one_answer(pause_ms: int) -> None:
    result = talk([(1_000, True), (pause_ms, False), (1_000, True), (4_000, False)], agent(reply_s=1, after_s=0.6))
    assert ends(result) == [("turn_cut", "user went on"), ("turn_done", "")]
    first, second = spans(result)
    assert first[1] <= second[0]
    assert not any(loud(result)[: (2_000 + pause_ms) // 20])


def test_without_barge_in_the_avatar_finishes_and_hears_nothing_meanwhile() -> None:
    result = talk([*QUESTION, (1_000, True), (4_000, False)], agent(reply_s=3), bargein=False)
    assert ends(result) == [("turn_done", "")]
    assert sum(loud(result)) == pytest.approx(150, abs=2)
    # who is still speaking when the reply ends is heard from there on
    result = talk([*QUESTION, (2_000, True), (4_000, False)], agent(reply_s=1), bargein=False)
    assert [name for name, _ in ends(result)] == ["turn_done", "turn_done"]
    assert spans(result)[1][0] == pytest.approx(2_800, abs=60)


def test_settings_move_the_moment_of_the_cut() -> None:
    script = [*QUESTION, (600, True), (4_000, False)]
    assert ends(talk(script, agent(reply_s=3), bargein_ms=500))[0] == ("turn_cut", "barge-in")
    assert ends(talk(script, agent(reply_s=3), bargein_ms=700))[0] == ("turn_done", "")


class Key(Node[Any]):
    """A key that is held from 0.5 s to 1.5 s; what the VAD hears does not matter."""

    outputs = (Port("talk", Speech, source=True),)

    async def run(self) -> None:
        """Press and let go."""
        for down in (True, True, False, False):
            await self.ctx.clock.sleep(0.5)
            self.emit("talk", Speech(active=down))


@pytest.mark.parametrize("push_to_talk", [True, False])
def test_a_held_key_is_a_turn(push_to_talk: bool) -> None:
    nodes: dict[str, Any] = {
        "voice": voice([(3_000, False)] if not push_to_talk else [(3_000, True), (1_500, False)]),
        "turn": ("turn.silence", {"push_to_talk": push_to_talk}), "agent": NOTHING, "ear": Ear, "key": Key,
    }  # fmt: skip
    result = play(nodes, [*EDGES, "agent.audio -> ear.audio", "key.talk -> turn.talk"], do=_until_quiet)
    assert spans(result) == [(pytest.approx(200, abs=21), pytest.approx(1_500, abs=21))]


# always


scripts = st.lists(st.tuples(st.integers(1, 60).map(lambda n: n * 20), st.booleans()), min_size=1, max_size=20).map(
    lambda script: [(200, False), *script, (3_000, False)]
)


@settings(max_examples=60, deadline=None)
@given(scripts, st.sampled_from([NOTHING, agent(reply_s=3, after_s=0.2), agent(reply_s=1, after_s=1.0)]))
def test_no_word_is_lost_or_heard_twice(script: Script, answers: type[Node[Any]]) -> None:
    result = talk(script, answers)
    heard = spans(result)
    assert all(one[1] <= other[0] for one, other in pairwise(heard))
    assert all(np.array_equal(u.samples, np.arange(u.pts, u.pts + len(u.samples))) for u in utterances(result))
    gens = [u.gen for u in utterances(result)]
    assert gens == sorted(set(gens))
    assert [u.trace for u in utterances(result)] == list(range(1, len(gens) + 1))
    for begin, end in _bursts(script):
        if end - begin >= 320:
            assert any(first <= begin and end <= last for first, last in heard), (begin, end)
    assert len(ends(result)) == len(gens)
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


@settings(max_examples=10, deadline=None)
@given(scripts)
def test_the_same_conversation_goes_the_same_way_every_time(script: Script) -> None:
    answers = agent(reply_s=1)
    assert talk(script, answers).graph.events.digest() == talk(script, answers).graph.events.digest()

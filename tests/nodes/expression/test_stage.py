"""Looks in time with the sound: when a value of the mouth is due, faces that fade, a cut that forgets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.graph.frames import Cue, Mouth
from vaidol.nodes.expression._holds import GAZE_X, GAZE_Y
from vaidol.nodes.expression._stage import RATE, Look, Stage

STEP = 960


def mouth(pts: int, *values: float) -> Mouth:
    return Mouth(pts=pts, step=STEP, open=values, form=tuple(-value for value in values))


def test_every_value_is_shown_when_its_sound_is_heard() -> None:
    stage = Stage(0.1)
    stage.take(mouth(0, 0.2, 0.4), now_s=5.04)  # sample 0 left at 5.0, is heard at 5.1
    stage.take(mouth(2 * STEP, 0.6, 0.0), now_s=5.08)
    shown = [round(stage.look(5.0 + 0.01 * n).open, 2) for n in range(20)]
    assert shown == [0.0] * 10 + [0.2, 0.2, 0.4, 0.4, 0.6, 0.6, 0.0, 0.0, 0.0, 0.0]


def test_a_frame_that_comes_late_does_not_move_the_clock() -> None:
    stage = Stage(0.0)
    stage.take(mouth(0, 0.5), now_s=1.02)
    stage.take(mouth(STEP, 0.7), now_s=1.54)  # half a second late
    assert stage.look(1.54).open == 0.7
    stage.take(mouth(30 * STEP, 0.9), now_s=1.62)
    assert stage.look(1.59).open == 0.7
    assert stage.look(1.62).open == 0.9


def test_a_cut_shuts_the_mouth_and_forgets_what_was_to_come() -> None:
    stage = Stage(0.0)
    stage.take(mouth(0, 1.0, 1.0, 1.0, 1.0), now_s=0.08)
    stage.take(Cue(name="joy", pts=RATE), now_s=0.08)
    assert stage.look(0.08).open == 1.0
    stage.cut()
    assert stage.look(0.09) == Look()
    assert stage.look(2.0).faces == {}


def test_faces_fade_into_one_another_and_end_at_neutral() -> None:
    stage = Stage(0.0)
    stage.look(0.0)
    stage.take(Cue(name="joy", weight=0.8, pts=0), now_s=0.0)
    early = stage.look(0.05).faces["joy"]
    assert 0 < early < 0.8
    assert stage.look(1.0).faces == {"joy": 0.8}
    stage.take(Cue(name="anger", pts=RATE), now_s=1.0)
    both = stage.look(1.1).faces
    assert both["joy"] < 0.8
    assert both["anger"] > 0
    assert stage.look(2.0).faces == {"anger": 1.0}
    stage.take(Cue(pts=2 * RATE), now_s=2.0)
    stage.look(2.05)
    assert stage.look(3.0).faces == {}


def test_a_motion_is_told_once() -> None:
    stage = Stage(0.0)
    stage.take(Cue(kind="motion", name="wave", pts=RATE // 2), now_s=0.0)
    assert [stage.look(0.1 * n).motions for n in range(8)].count(("wave",)) == 1


@pytest.mark.parametrize(("form", "most"), [(0.0, "A"), (1.0, "I"), (-1.0, "O")])
def test_vowels_follow_the_form(form: float, most: str) -> None:
    vowels = Look(open=0.8, form=form).vowels()
    assert max(vowels, key=lambda name: vowels[name]) == most
    assert sum(vowels.values()) == pytest.approx(0.8)


@given(
    st.lists(
        st.tuples(st.floats(0, 2), st.integers(0, 200), st.lists(st.floats(0, 1), min_size=0, max_size=8)), max_size=30
    )
)
def test_any_frames_give_looks_within_their_ranges(script: list[tuple[float, int, list[float]]]) -> None:
    stage, now = Stage(0.05), 0.0
    for wait, block, values in script:
        now += wait
        stage.take(mouth(block * STEP, *values), now)
        look = stage.look(now)
        assert 0 <= look.open <= 1
        assert -1 <= look.form <= 1


def test_vowels_are_those_of_the_track_and_else_guessed_from_the_form() -> None:
    stage = Stage(0.0)
    stage.take(Mouth(pts=0, step=STEP, open=(0.8,), form=(0.0,), vowels=((0.1, 0.0, 0.6, 0.0, 0.1),)), now_s=0.02)
    assert stage.look(0.02).vowels() == {"A": 0.1, "I": 0.0, "U": 0.6, "E": 0.0, "O": 0.1}
    stage.take(mouth(STEP, 0.8), now_s=0.04)  # of form -0.8: round
    guessed = stage.look(0.04).vowels()
    assert guessed["O"] > guessed["U"] > guessed["I"] == 0.0


def test_frames_that_say_when_their_sound_leaves_may_come_before_it() -> None:
    stage = Stage(0.1)
    for n in range(5):  # told 80 ms ahead
        leaves_s = 10.0 + 0.02 * n
        frame = Mouth(pts=n * STEP, step=STEP, open=(0.1 * (n + 1),), form=(0.0,), born=int(leaves_s * 1e9))
        stage.take(frame, now_s=leaves_s - 0.08)
    assert stage.look(10.09).open == 0.0
    assert stage.look(10.105).open == pytest.approx(0.1)
    assert stage.look(10.165).open == pytest.approx(0.4)


def test_what_is_told_later_of_the_same_sound_counts() -> None:
    stage = Stage(0.0)
    stage.take(Mouth(pts=0, step=STEP, open=(0.5,) * 10, form=(0.0,) * 10, born=1), now_s=0.0)
    stage.take(Mouth(pts=2 * STEP, step=STEP, open=(0.0,) * 8, form=(0.0,) * 8), now_s=0.01)
    assert stage.look(0.03).open == 0.5
    assert [stage.look(0.03 + 0.02 * n).open for n in range(1, 8)] == [0.0] * 7


def test_a_face_that_holds_for_a_time_goes_by_itself() -> None:
    stage = Stage(0.0)
    stage.look(0.0)
    stage.take(Cue(name="joy", hold_ms=1000), now_s=0.0)
    stage.look(0.1)
    assert stage.look(0.9).faces == {"joy": 1.0}
    stage.look(1.2)
    assert stage.look(2.0).faces == {}


def test_parameters_and_looks_are_held_and_let_go() -> None:
    stage = Stage(0.0)
    stage.look(0.0)
    tilt = Cue(kind="param", name="ParamAngleZ", value=10.0, weight=0.5, fade_ms=200, hold_ms=1000)
    stage.take(tilt, now_s=0.0)
    stage.take(Cue(kind="gaze", x=0.5, y=-0.5, fade_ms=100), now_s=0.0)
    assert stage.look(0.1).held["ParamAngleZ"] == pytest.approx(2.5)
    assert stage.look(0.5).held == {"ParamAngleZ": 5.0, GAZE_X: 0.5, GAZE_Y: -0.5}
    assert stage.look(1.1).held["ParamAngleZ"] == pytest.approx(2.5)
    assert set(stage.look(1.3).held) == {GAZE_X, GAZE_Y}
    stage.take(Cue(kind="gaze", x=None, y=None, fade_ms=100), now_s=1.3)
    stage.look(1.3)
    assert stage.look(1.5).held == {}

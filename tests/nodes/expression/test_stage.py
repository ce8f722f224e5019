"""Looks in time with the sound: when a value of the mouth is due, faces that fade, a cut that forgets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.graph.frames import Cue, Mouth
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

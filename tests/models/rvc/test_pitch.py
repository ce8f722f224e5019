"""Frequencies become classes, notes and shifts as the tables say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vaidol.models.rvc import KeyFinder, autotune, coarse_pitch, fill_unvoiced, key_to, shift

f0s = arrays(np.float32, st.integers(0, 40), elements=st.floats(width=32))


def coarse(f: float) -> int:
    """One frame, by the definition."""
    low, high, mel = (1127 * math.log(1 + hz / 700) for hz in (50, 1100, f))
    return round(min(255.0, max(1.0, (mel - low) * 254 / (high - low) + 1))) if f > 0 else 1


def test_classes_follow_the_mel_scale() -> None:
    f0 = np.array([0, 1, 50, 50.4, 100, 220, 440, 880, 1099, 1100, 5000], np.float32)
    assert coarse_pitch(f0).tolist() == [coarse(float(f)) for f in f0]
    assert coarse_pitch(f0)[[0, 2, 9, 10]].tolist() == [1, 1, 255, 255]


@given(f0s)
def test_whatever_comes_the_classes_exist(f0: np.ndarray) -> None:
    classes = coarse_pitch(f0)
    assert classes.dtype == np.int64
    assert ((classes >= 1) & (classes <= 255)).all()
    for changed in (fill_unvoiced(f0), autotune(f0, 0.5), shift(np.clip(f0, 0, 2000), 12)):
        assert changed.shape == f0.shape
        assert np.isfinite(changed).all()
    assert -12 <= key_to(f0, 155) <= 12


def test_what_comes_in_float64_stays_so() -> None:
    f0 = np.array([0, 100.000000001, 0, 220])
    for changed in (shift(f0, 3), autotune(f0, 0.5), fill_unvoiced(f0)):
        assert changed.dtype == np.float64
    assert shift(f0, 12)[1] == 200.000000002


def test_an_octave_up() -> None:
    np.testing.assert_allclose(shift(np.array([0, 100, 200], np.float32), 12), [0, 200, 400])


def test_the_key_that_meets_a_target() -> None:
    assert key_to(np.array([0, 100, 0, 100], np.float32), 200) == 12
    assert key_to(np.array([240, 0], np.float32), 155) == -8
    assert key_to(np.array([20], np.float32), 2000) == 12
    assert key_to(np.zeros(3, np.float32), 155) == 0


def test_a_key_is_learnt_from_what_is_heard_and_steady() -> None:
    key = KeyFinder(200)
    assert not key.hear(np.zeros(100, np.float32))
    assert not key.hear(np.full(10, 100, np.float32))
    assert key.hear(np.full(30, 100, np.float32))
    assert key.semitones == 12
    key.hear(np.full(1000, 103, np.float32))  # half a semitone higher: nothing moves
    assert key.semitones == 12
    key.hear(np.full(2000, 150, np.float32))  # somebody else
    assert key.semitones == 5
    key.hear(np.array([np.nan, np.inf, -3], np.float32))
    assert key.semitones == 5


def test_gaps_are_filled_in_a_straight_line() -> None:
    f0 = np.array([0, 100, 0, 0, 130, 0], np.float32)
    assert fill_unvoiced(f0).tolist() == [100, 100, 110, 120, 130, 130]
    assert fill_unvoiced(np.zeros(3, np.float32)).tolist() == [0, 0, 0]


def test_notes_are_hit() -> None:
    f0 = np.array([0, 450, 45, 2000], np.float32)
    np.testing.assert_allclose(autotune(f0, 1), [0, 440, 48.999, 1046.502], rtol=1e-5)
    np.testing.assert_allclose(autotune(f0, 0.5)[:2], [0, 445])
    assert autotune(f0, 0) == pytest.approx(f0)

"""The mouth opens with the sound, closes with silence and takes the shape of the vowel."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vaidol.nodes.expression._mouth import MouthCurve

F32 = NDArray[np.float32]
STEP = 960  # 20 ms at 48 kHz


def tone(dbfs: float, steps: int, rate: int = 48_000) -> F32:
    """A 300 Hz sine whose RMS is `dbfs`."""
    t = np.arange(steps * STEP * rate // 48_000) / rate
    return (10 ** (dbfs / 20) * np.sqrt(2) * np.sin(2 * np.pi * 300 * t)).astype(np.float32)


def vowel(formants: tuple[int, ...], f0: int, steps: int = 20) -> F32:
    """Harmonics of `f0`, falling by 6 dB per octave (source and lips), through resonances of 90 Hz width."""
    t = np.arange(steps * STEP) / 48_000
    sound = np.zeros(t.size)
    for hz in range(f0, 5000, f0):
        gain = f0 / hz
        for formant in (*formants, 3500):
            gain *= formant**2 / np.hypot(formant**2 - hz**2, 90 * hz)
        sound += gain * np.sin(2 * np.pi * hz * t + hz)
    return (0.12 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


@pytest.mark.parametrize(
    ("dbfs", "low", "high"), [(-60, 0, 0), (-50, 0, 0.01), (-35, 0.25, 0.35), (-18, 0.78, 0.82), (-6, 0.9, 0.95)]
)
def test_opening_follows_loudness_without_pinning(dbfs: float, low: float, high: float) -> None:
    opened, _ = MouthCurve().feed(tone(dbfs, 10))
    assert low <= opened[-1] <= high


def test_every_3_db_show() -> None:
    opened = [MouthCurve().feed(tone(dbfs, 10))[0][-1] for dbfs in range(-48, -2, 3)]
    assert all(b - a > 0.02 for a, b in pairwise(opened))


def test_opens_at_once_and_is_shut_100_ms_after_the_sound() -> None:
    curve = MouthCurve()
    opened, _ = curve.feed(tone(-12, 10))
    assert opened[0] > 0.7
    opened, formed = curve.feed(np.zeros(5 * STEP, np.float32))
    assert opened[0] > 0.4, "closes smoothly"
    assert opened == sorted(opened, reverse=True)
    assert (opened[-1], formed[-1]) == (0.0, 0.0)


@pytest.mark.parametrize("f0", [110, 150, 210])
@pytest.mark.parametrize(
    ("formants", "low", "high"),
    [
        ((280, 2250, 2900), 0.6, 1.0),  # i
        ((400, 2000, 2550), 0.5, 1.0),  # e
        ((730, 1150, 2450), -0.4, 0.4),  # a
        ((450, 800, 2400), -1.0, -0.35),  # o
        ((310, 750, 2250), -1.0, -0.35),  # u
    ],
)
def test_form_follows_the_vowel(formants: tuple[int, ...], low: float, high: float, f0: int) -> None:
    _, formed = MouthCurve().feed(vowel(formants, f0))
    assert low <= formed[-1] <= high


def test_reset_shuts_and_forgets() -> None:
    curve = MouthCurve()
    curve.feed(vowel((280, 2250, 2900), 150)[:-500])
    curve.reset()
    assert curve.feed(np.zeros(2 * STEP, np.float32)) == ([0.0, 0.0], [0.0, 0.0])
    sound = tone(-20, 3)
    assert curve.feed(sound) == MouthCurve().feed(sound), "as new, but for what was fed since"


@pytest.mark.parametrize(("rate", "step"), [(48_000, 960), (24_000, 480), (16_000, 320)])
def test_rates_agree(rate: int, step: int) -> None:
    opened, formed = MouthCurve(rate, step).feed(tone(-18, 10, rate))
    assert len(opened) == len(formed) == 10
    assert opened[-1] == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(("rate", "step"), [(4000, 80), (48_000, 0)])
def test_bad_sizes_are_refused(rate: int, step: int) -> None:
    with pytest.raises(ValueError, match="MouthCurve wants"):
        MouthCurve(rate, step)


def test_no_numbers_are_silence_and_the_input_is_left_alone() -> None:
    sound = np.full(2 * STEP, np.nan, np.float32)
    sound[::2] = np.inf
    sound.setflags(write=False)
    assert MouthCurve().feed(sound) == ([0.0, 0.0], [0.0, 0.0])


@given(
    hnp.arrays(np.float32, st.integers(0, 4000), elements=st.floats(width=32)),
    st.lists(st.integers(0, 4000), max_size=4),
)
def test_any_samples_in_any_pieces(sound: F32, cuts: list[int]) -> None:
    opened, formed = MouthCurve().feed(sound)
    assert len(opened) == len(formed) == sound.size // STEP
    assert all(0.0 <= value <= 1.0 for value in opened)
    assert all(-1.0 <= value <= 1.0 for value in formed)
    pieces = np.split(sound, sorted(min(cut, sound.size) for cut in cuts))
    curve = MouthCurve()
    parts = [curve.feed(piece) for piece in pieces]
    assert [value for part, _ in parts for value in part] == opened
    assert [value for _, part in parts for value in part] == formed

"""The mouth opens with the sound, closes with silence and takes the shape of the vowel."""

from __future__ import annotations

import time
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


def feed(samples: F32, curve: MouthCurve | None = None) -> tuple[list[float], list[float]]:
    """Opening and form of each step."""
    shapes = (curve or MouthCurve()).feed(samples)
    return [shape.open for shape in shapes], [shape.form for shape in shapes]


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
    opened, _ = feed(tone(dbfs, 10))
    assert low <= opened[-1] <= high


def test_every_3_db_show() -> None:
    opened = [feed(tone(dbfs, 10))[0][-1] for dbfs in range(-48, -2, 3)]
    assert all(b - a > 0.02 for a, b in pairwise(opened))


def test_opens_at_once_and_is_shut_100_ms_after_the_sound() -> None:
    curve = MouthCurve()
    opened, _ = feed(tone(-12, 10), curve)
    assert opened[0] > 0.7
    opened, formed = feed(np.zeros(5 * STEP, np.float32), curve)
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
    _, formed = feed(vowel(formants, f0))
    assert low <= formed[-1] <= high


def test_reset_shuts_and_forgets() -> None:
    curve = MouthCurve()
    feed(vowel((280, 2250, 2900), 150)[:-500], curve)
    curve.reset()
    assert feed(np.zeros(2 * STEP, np.float32), curve) == ([0.0, 0.0], [0.0, 0.0])
    sound = tone(-20, 3)
    assert feed(sound, curve) == feed(sound), "as new, but for what was fed since"


@pytest.mark.parametrize(("rate", "step"), [(48_000, 960), (24_000, 480), (16_000, 320)])
def test_rates_agree(rate: int, step: int) -> None:
    opened, formed = feed(tone(-18, 10, rate), MouthCurve(rate, step))
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
    assert feed(sound) == ([0.0, 0.0], [0.0, 0.0])


@given(
    hnp.arrays(np.float32, st.integers(0, 4000), elements=st.floats(width=32)),
    st.lists(st.integers(0, 4000), max_size=4),
)
def test_any_samples_in_any_pieces(sound: F32, cuts: list[int]) -> None:
    shapes = MouthCurve().feed(sound)
    assert len(shapes) == sound.size // STEP
    assert all(0.0 <= shape.open <= 1.0 and -1.0 <= shape.form <= 1.0 for shape in shapes)
    assert all(min(shape.vowels) >= 0.0 for shape in shapes)
    assert all(sum(shape.vowels) <= shape.open + 1e-6 for shape in shapes)
    pieces = np.split(sound, sorted(min(cut, sound.size) for cut in cuts))
    curve = MouthCurve()
    assert [shape for piece in pieces for shape in curve.feed(piece)] == shapes


@pytest.mark.parametrize(
    ("name", "formants"),
    [
        ("A", (760, 1250, 2500)),
        ("I", (280, 2250, 2900)),
        ("U", (310, 750, 2250)),
        ("E", (530, 1840, 2480)),
        ("O", (500, 850, 2400)),
    ],
)
def test_the_vowel_has_most_of_the_opening(name: str, formants: tuple[int, ...]) -> None:
    for f0 in (100, 140, 190):
        shape = MouthCurve().feed(vowel(formants, f0))[-1]
        assert shape.vowels["AIUEO".index(name)] > 0.5 * shape.open > 0.3


def test_it_costs_less_than_a_hundredth_of_a_core() -> None:
    curve, second = MouthCurve(), vowel((730, 1150, 2450), 140, steps=50)
    curve.feed(second)
    best_s = min(_worked_s(curve, second) for _ in range(5))
    assert best_s < 0.01


def _worked_s(curve: MouthCurve, sound: F32) -> float:
    before = time.thread_time()
    curve.feed(sound)
    return time.thread_time() - before

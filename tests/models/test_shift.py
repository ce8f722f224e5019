"""The voice shifter: pitch and formants where they should be, nothing lost, no dependence on how the sound is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vaidol.models.hibari import Hibari
from vaidol.models.shift import LATENCY_MS, PRESETS, Shift, VoiceShifter
from vaidol.models.whisper import Whisper

Sound = NDArray[np.float32]
RATE = 24_000
FORMANTS = ((700, 80), (1200, 90), (2600, 120))  # Hz, bandwidth


def vowel(hz: float | NDArray[np.float64], seconds: float = 1.5, rate: int = RATE) -> Sound:
    """Pulses at `hz` through three resonances: an "a" of which everything is known."""
    count = int(rate * seconds)
    phase = np.cumsum(np.broadcast_to(hz, count) / rate)
    spectrum = np.fft.rfft(np.diff(np.floor(phase), prepend=0.0))
    f = np.fft.rfftfreq(count, 1 / rate)
    for centre, width in FORMANTS:
        spectrum = spectrum * centre**2 / (centre**2 - f**2 + 1j * f * width)
    sound = np.fft.irfft(spectrum / (1 + f / 300), count)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def through(sound: Sound, shift: Shift, rate: int = RATE, sizes: Any = None) -> Sound:
    shifter, out, at = VoiceShifter(rate, shift), [], 0
    for size in sizes or [len(sound)]:
        out.append(shifter.feed(sound[at : at + size]))
        at += size
    out += [shifter.feed(sound[at:]), shifter.flush()]
    return np.concatenate(out)


def pitch_of(sound: Sound, rate: int = RATE) -> float:
    """Hz, by the spacing of harmonics: the peak of the cepstrum, refined by the comb of harmonics around it."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
    step = rate / (1 << 18)

    def comb(hz: float) -> float:
        bins = np.round(np.arange(1, 9) * hz / step).astype(int)
        between = np.round((np.arange(1, 9) - 0.5) * hz / step).astype(int)
        return float(np.log(spectrum[bins] + 1e-6).sum() - np.log(spectrum[between] + 1e-6).sum())

    coarse = np.arange(60.0, 700.0, 0.25)
    return float(coarse[int(np.argmax([comb(hz) for hz in coarse]))])


def envelope_peak(sound: Sound, low: float, high: float, rate: int = RATE) -> float:
    """Hz of the strongest resonance between `low` and `high`, by linear prediction."""
    order, sound = 24, np.diff(sound)  # the tilt of the voice taken away
    products = np.correlate(sound, sound, "full")[len(sound) - 1 : len(sound) + order]
    matrix = (
        products[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))] + 1e-6 * np.eye(order) * products[0]
    )
    poles = np.linalg.solve(matrix, products[1:])
    f = np.arange(low, high, 5.0)
    response = 1 / np.abs(1 - np.exp(-2j * np.pi * np.outer(f / rate, np.arange(1, order + 1))) @ poles)
    return float(f[int(np.argmax(response))])


MIDDLE = slice(RATE // 4, -RATE // 4)


@pytest.mark.parametrize("hz", [90, 140, 220, 330])
@pytest.mark.parametrize("semitones", [-5, -2, 3, 7])
def test_the_pitch_moves_by_what_is_asked(hz: float, semitones: float) -> None:
    heard = pitch_of(through(vowel(hz), Shift(pitch=semitones))[MIDDLE])
    assert heard == pytest.approx(hz * 2 ** (semitones / 12), rel=0.01)


@pytest.mark.parametrize("hz", [100, 200, 300])
def test_a_robot_has_one_pitch(hz: float) -> None:
    gliding = np.linspace(hz, hz * 1.5, int(1.5 * RATE))
    assert pitch_of(through(vowel(gliding), Shift(monotone=120))[MIDDLE]) == pytest.approx(120, rel=0.01)


@pytest.mark.parametrize("semitones", [-4, 4])
def test_formants_move_alone_and_pitch_leaves_them_alone(semitones: float) -> None:
    sound, ratio = vowel(110), 2 ** (semitones / 12)
    was = envelope_peak(sound[MIDDLE], 2_200, 3_000)
    assert was == pytest.approx(2_600, rel=0.05)
    size = through(sound, Shift(formant=semitones))[MIDDLE]
    assert pitch_of(size) == pytest.approx(110, rel=0.01)
    assert envelope_peak(size, 2_200 * ratio, 3_000 * ratio) == pytest.approx(was * ratio, rel=0.05)
    melody = through(sound, Shift(pitch=semitones))[MIDDLE]
    assert envelope_peak(melody, 2_200, 3_000) == pytest.approx(was, rel=0.05)


@pytest.mark.parametrize("name", PRESETS)
def test_loudness_stays_and_nothing_clips_or_clicks(name: str) -> None:
    sound = vowel(180)
    out = through(sound, PRESETS[name])
    level = 20 * np.log10(np.std(out[MIDDLE]) / np.std(sound[MIDDLE]))
    assert abs(level) < 5
    assert np.abs(out).max() <= 1
    bend = np.abs(np.diff(out[MIDDLE], 2))
    assert bend.max() < 3 * np.abs(np.diff(sound[MIDDLE], 2)).max()


def test_nothing_asked_changes_nothing() -> None:
    sound = vowel(200, 0.5)
    assert np.array_equal(through(sound, Shift()), sound)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 3000), max_size=20), st.integers(0, 12_000))
def test_how_the_sound_is_cut_does_not_matter_and_every_sample_comes_back(sizes: list[int], length: int) -> None:
    sound, shift = vowel(170, 0.5)[:length], Shift(pitch=4, formant=2)
    whole = through(sound, shift)
    assert len(whole) == length
    assert np.array_equal(through(sound, shift, sizes=sizes), whole)


def test_it_stays_its_latency_behind_and_no_more() -> None:
    shifter, fed, made = VoiceShifter(RATE, Shift(pitch=2)), 0, 0
    for begin in range(0, RATE, 240):
        fed += 240
        made += len(shifter.feed(vowel(150, 1)[begin : begin + 240]))
        assert fed - made <= LATENCY_MS * RATE // 1000
    assert fed - made == LATENCY_MS * RATE // 1000


def test_a_sound_stays_where_it_is() -> None:
    """Bursts come out at their own samples, not later."""
    sound = np.zeros(RATE, np.float32)
    sound[8_000:12_000] = vowel(160, 1)[4_000:8_000]
    out = np.abs(through(sound, Shift(pitch=4, formant=2)))
    loud = np.flatnonzero(out > 0.1 * out.max())
    assert abs(loud[0] - 8_000) < 0.015 * RATE
    assert abs(loud[-1] - 12_000) < 0.015 * RATE


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(5_000, np.float32),
        np.full(5_000, np.nan, np.float32),
        np.full(5_000, np.inf, np.float32),
        np.full(240, 0.5, np.float32),
        np.zeros(0, np.float32),
        np.random.default_rng(0).normal(0, 0.3, 20_000).astype(np.float32),
        np.sign(np.sin(np.arange(20_000) * 0.05)).astype(np.float32),
    ],
)
@pytest.mark.parametrize("name", ["child", "giant", "robot"])
def test_any_input_gives_defined_sound_of_its_length(sound: Sound, name: str) -> None:
    out = through(sound, PRESETS[name])
    assert len(out) == len(sound)
    assert np.isfinite(out).all()
    assert np.abs(out).max(initial=0) <= 1


def test_a_reset_forgets_the_stream() -> None:
    shifter = VoiceShifter(RATE, Shift(pitch=3))
    shifter.feed(vowel(300, 0.3))
    shifter.reset()
    sound = vowel(120, 0.4)
    again = np.concatenate([shifter.feed(sound), shifter.flush()])
    assert np.array_equal(again, through(sound, Shift(pitch=3)))


def test_rates_it_cannot_work_at_are_refused() -> None:
    with pytest.raises(ValueError, match="not at 4000 Hz"):
        VoiceShifter(4_000)


@pytest.mark.models
def test_a_changed_voice_is_still_understood(hibari: Hibari, whisper: Whisper) -> None:
    import soxr

    sound = np.asarray(hibari.speak("The quick brown fox jumps over the lazy dog."), np.float32)
    for name in ("bright", "child", "deep", "giant", "robot"):
        heard = whisper.transcribe(np.asarray(soxr.resample(through(sound, PRESETS[name]), RATE, 16_000), np.float32))
        assert "quick brown fox jumps over the lazy dog" in heard.text.lower(), name

"""The filter against rumble, loudness and protection do what their definitions say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vaidol.models.rvc import mix_loudness, protect
from vaidol.models.rvc.mixing import remove_rumble

DRAW = np.random.default_rng(7)


def filtered(signal: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """The difference equation, begun in the state that a constant input would have left."""
    order = len(bottom) - 1
    step = np.eye(order) - np.array([[*(-bottom[1:])], *np.eye(order)[:-1]]).T
    state = np.linalg.solve(step, top[1:] - bottom[1:] * top[0]) * signal[0]
    out = np.empty_like(signal)
    for n, value in enumerate(signal):
        out[n] = top[0] * value + state[0]
        state = np.append(state[1:], 0) + top[1:] * value - bottom[1:] * out[n]
    return out


def coefficients() -> tuple[np.ndarray, np.ndarray]:
    """A Butterworth high pass of order 5 at 48 Hz for 16 kHz, by the bilinear transform, as polynomials."""
    angles = np.pi * (np.arange(5) - 2) / 5
    poles = 4 * np.tan(np.pi * 48 / 16000) / -np.exp(1j * angles)
    gain = np.real(4**5 / np.prod(4 - poles))
    return gain * np.poly(np.ones(5)), np.real(np.poly((4 + poles) / (4 - poles)))


@pytest.mark.parametrize("samples", [19, 50, 6000, 70_000])
def test_rumble_is_removed_without_delay(samples: int) -> None:
    sound = (DRAW.normal(size=samples) * 0.1 + 0.2).astype(np.float32)
    ends = 2 * sound[0] - sound[18:0:-1], 2 * sound[-1] - sound[-2:-20:-1]
    signal = np.concatenate((ends[0], sound, ends[1])).astype(np.float64)
    for _ in range(2):
        signal = filtered(signal, *coefficients())[::-1]
    np.testing.assert_allclose(remove_rumble(sound), signal[18:-18], atol=2e-5)


def test_speech_passes_and_rumble_does_not() -> None:
    time = np.arange(16000) / 16000
    low, high = (np.sin(2 * np.pi * hz * time).astype(np.float32) for hz in (20, 300))
    assert np.abs(remove_rumble(low)[4000:-4000]).max() < 1e-3
    np.testing.assert_allclose(remove_rumble(high)[4000:-4000], high[4000:-4000], atol=1e-3)


@pytest.mark.parametrize(("live", "window_s", "hop_s", "floor"), [(False, 1.0, 0.5, 1e-6), (True, 0.04, 0.01, 1e-3)])
def test_the_loudness_of_the_source_is_kept(live: bool, window_s: float, hop_s: float, floor: float) -> None:
    source = (DRAW.normal(size=24_000) * np.linspace(0, 0.5, 24_000)).astype(np.float32)
    voice = (DRAW.normal(size=60_000) * np.linspace(0.3, 0, 60_000) ** 2).astype(np.float32)

    def contour(sound: np.ndarray, rate: int) -> np.ndarray:
        window, hop = round(window_s * rate), round(hop_s * rate)
        padded = np.concatenate((np.zeros(window // 2), sound, np.zeros(window // 2)))
        levels = [np.sqrt((padded[at : at + window] ** 2).mean()) for at in range(0, len(sound) + 1, hop)]
        at = np.arange(60_000)
        where = at * (len(levels) - 1) / 60_000 if live else (at + 0.5) * len(levels) / 60_000 - 0.5
        return np.interp(where, np.arange(len(levels)), levels)

    gain = contour(source, 16_000) ** 0.7 * np.maximum(contour(voice, 40_000), floor) ** -0.7
    mixed = mix_loudness(source, 16_000, voice, 40_000, 0.3, live=live)
    np.testing.assert_allclose(mixed, voice * gain, atol=1e-5, rtol=1e-3)
    assert mix_loudness(source, 16_000, voice, 40_000, 1.0) is voice


def test_silence_stays_silent() -> None:
    silence = np.zeros(1000, np.float32)
    for live in (False, True):
        assert not mix_loudness(silence, 16_000, silence, 40_000, 0.0, live=live).any()


def test_consonants_are_protected() -> None:
    drawn, heard, f0 = torch.ones(1, 3, 2), torch.zeros(1, 3, 2), torch.tensor([[200.0, 0.0, 90.0]])
    assert protect(drawn, heard, f0, 0.2)[0, :, 0].tolist() == pytest.approx([1, 0.2, 1])
    assert protect(drawn, heard, f0, 0.5) is drawn

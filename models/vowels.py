"""Which vowel a moment of speech is: mel bands of its spectrum through a network of one hidden layer.

The weights (`vowels.json`) were learnt from formant synthesis, some voices of espeak-ng and words of hibari by
`python -m vaidol.tests.bench._vowels`, which also says how well others are understood.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

VOWELS = "AIUEO"
WINDOW_MS = 40
BANDS = 28
LOWEST, HIGHEST = 100.0, 5500.0  # Hz: voices of 11 kHz and more are understood
FLOOR = 1e-3  # of the total power: what lies below in a band does not count


class Vowels:
    """For sound at `rate` Hz, 8000 or more; `size` samples of it are looked at."""

    def __init__(self, rate: int) -> None:
        self.size = rate * WINDOW_MS // 1000
        self._taper = np.hanning(self.size).astype(np.float32)
        top = int(HIGHEST * self.size / rate) + 1
        self._bins = slice(0, min(top, self.size // 2 + 1))
        self._bank = _bank(rate, self.size)[:, self._bins]
        self._layers = _weights()

    def bands(self, samples: F32) -> F64:
        """(BANDS,) log power of each band against their mean, of samples (size,) in [-1, 1]; loudness is left out."""
        spectrum = np.fft.rfft(samples * self._taper)[self._bins]
        power = self._bank @ (spectrum.real**2 + spectrum.imag**2)
        levels: F64 = np.log(power / (power.sum() + 1e-12) + FLOOR)
        levels -= levels.mean()
        return levels

    def __call__(self, samples: F32) -> F64:
        """(5,) probability of each of VOWELS for samples (size,); it means nothing for silence and most consonants."""
        hidden_w, hidden_b, out_w, out_b = self._layers
        scores = out_w @ np.tanh(hidden_w @ self.bands(samples) + hidden_b) + out_b
        likely: F64 = np.exp(scores - scores.max())
        likely /= likely.sum()
        return likely


@cache
def _bank(rate: int, size: int) -> F64:
    """(BANDS, bins) triangular bands, evenly spaced on the mel scale, each of weight 1."""
    low, high = (2595.0 * np.log10(1 + hz / 700) for hz in (LOWEST, min(HIGHEST, 0.475 * rate)))
    edges = 700.0 * (10.0 ** (np.linspace(low, high, BANDS + 2) / 2595.0) - 1)
    hz = np.arange(size // 2 + 1) * rate / size
    rising = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    bank: F64 = np.minimum(rising, falling).clip(0.0, None)
    bank[np.arange(BANDS), np.abs(hz - edges[1:-1, None]).argmin(axis=1)] += 1e-9  # none is empty
    bank /= bank.sum(axis=1, keepdims=True)
    return bank


@cache
def _weights() -> tuple[F64, F64, F64, F64]:
    told = json.loads(files("vaidol.models").joinpath("vowels.json").read_text(encoding="utf-8"))
    return tuple(np.array(told[name]) for name in ("hidden_w", "hidden_b", "out_w", "out_b"))  # type: ignore[return-value]

"""Whisper's log-mel features of sound at 16 kHz (Radford et al. 2022, section 2.2), as Smart Turn takes them.

Not those of faster-whisper: turn detection runs where no recognizer is loaded, beside `vaidol ml` or a paid one.
"""

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

RATE, HOP, WINDOW = 16_000, 160, 400  # Hz, samples
LINEAR_TO, STEP = 1000.0, 200.0 / 3  # Hz; Slaney's mel scale: so many Hz a mel up to there ...
OCTAVES = np.log(6.4) / 27.0  # ... and then so much in the logarithm of the frequency
RANGE = 8.0  # powers of ten below the loudest that are told apart


class LogMel:
    """The features in `bands` bands from 0 to 8 kHz."""

    def __init__(self, bands: int) -> None:
        self._filters = _filters(bands)
        self._window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)

    def __call__(self, samples: F32) -> F32:
        """(bands, n // 160) float32 of `samples` (n,), at least 201 of them: one column for every 10 ms."""
        padded = np.pad(samples.astype(np.float32, copy=False), WINDOW // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: len(samples) // HOP * HOP : HOP]
        power = np.square(np.abs(np.fft.rfft(frames * self._window))).astype(np.float32)
        loud = np.log10(np.maximum(self._filters @ power.T, 1e-10))
        features: F32 = (np.maximum(loud, loud.max() - RANGE) + 4.0) / 4.0
        return features


def _filters(bands: int) -> F32:
    """(bands, 201): triangles between the neighbours' centres, each of the same area."""
    top = LINEAR_TO / STEP + np.log(RATE / 2 / LINEAR_TO) / OCTAVES
    mels = np.linspace(0.0, top, bands + 2)
    above = np.maximum(mels - LINEAR_TO / STEP, 0.0)
    hz = np.where(above > 0, LINEAR_TO * np.exp(OCTAVES * above), STEP * mels)
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)
    low, centre, high = hz[:-2, None], hz[1:-1, None], hz[2:, None]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    filters: F32 = (np.maximum(triangles, 0.0) * 2.0 / (high - low)).astype(np.float32)
    return filters

"""Fundamental frequency as the voices need it: coarse classes, shifts, gaps filled, notes hit. Arrays in, arrays out.

f0 is (T,) in Hz at 100 frames per second, 0 where a frame is unvoiced; float32 or float64, and it stays what it is.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

LOWEST, HIGHEST = 50.0, 1100.0  # Hz: the range of the coarse classes
NOTES = 440.0 * 2.0 ** (np.arange(-38, 16) / 12)  # 54 notes, G1..C6: Hz, equal temperament
TARGETS = {"low": 155.0, "high": 255.0}  # Hz: the medians that `key_to` is usually asked for
MOST_KEY = 12  # semitones
KEY_HEARD, KEY_ENOUGH = 1000, 20  # voiced frames that a key is found from: at most 10 s, at least 0.2 s
KEY_STEADY = 0.75  # semitones by which the speaker must have moved before the key follows


def coarse_pitch(f0: NDArray[Real]) -> NDArray[np.int64]:
    """The class of each frame on the mel scale: (T,) int64, 1..255, unvoiced and not finite 1."""
    low, high = (1127 * np.log(1 + bound / 700) for bound in (LOWEST, HIGHEST))
    mel = 1127 * np.log(1 + _clean(f0.astype(np.float64)) / 700)
    classes = np.where(mel > 0, (mel - low) * 254 / (high - low) + 1, 1)
    nearest: NDArray[np.int64] = np.rint(np.clip(classes, 1, 255)).astype(np.int64)
    return nearest


def shift(f0: NDArray[Real], semitones: float) -> NDArray[Real]:
    """f0 moved by `semitones`; unvoiced frames stay."""
    return (_clean(f0) * 2 ** (semitones / 12)).astype(f0.dtype)


def key_to(f0: NDArray[Real], target: float) -> int:
    """The semitones, -12..12, that bring the median of the voiced frames nearest to `target` Hz; 0 without any."""
    voiced = _clean(f0)[_clean(f0) > 0]
    if not len(voiced):
        return 0
    return int(np.clip(round(12 * np.log2(target / float(np.median(voiced)))), -MOST_KEY, MOST_KEY))


class KeyFinder:
    """How far one speaker must be moved to reach `target` Hz: learnt from what is heard, and steady."""

    def __init__(self, target: float) -> None:
        self._target = target
        self._voiced: NDArray[np.float64] = np.zeros(0)
        self.semitones = 0

    def hear(self, f0: NDArray[Real]) -> bool:
        """More of the speaker. Whether enough was heard by now to rely on `semitones`."""
        found = _clean(f0).astype(np.float64)
        self._voiced = np.concatenate((self._voiced, found[found > 0]))[-KEY_HEARD:]
        if len(self._voiced):
            exact = 12 * np.log2(self._target / float(np.median(self._voiced)))
            if abs(exact - self.semitones) > KEY_STEADY:
                self.semitones = key_to(self._voiced, self._target)
        return len(self._voiced) >= KEY_ENOUGH

    def __repr__(self) -> str:
        return f"KeyFinder({self._target:g} Hz: {self.semitones:+d})"


def fill_unvoiced(f0: NDArray[Real]) -> NDArray[Real]:
    """Unvoiced frames on the straight line between their voiced neighbours, those at the ends at the nearest one."""
    f0 = _clean(f0)
    voiced = np.flatnonzero(f0)
    if not len(voiced):
        return f0
    return np.interp(np.arange(len(f0)), voiced, f0[voiced]).astype(f0.dtype)


def autotune(f0: NDArray[Real], strength: float) -> NDArray[Real]:
    """Voiced frames moved towards the nearest note of G1..C6 by `strength`, 0..1."""
    f0 = _clean(f0)
    nearest = NOTES[np.abs(f0[:, None] - NOTES).argmin(1)]
    return np.where(f0 > 0, f0 + (nearest - f0) * strength, 0).astype(f0.dtype)


def _clean(f0: NDArray[Real]) -> NDArray[Real]:
    """NaN, infinite and negative frequencies count as unvoiced."""
    return np.where(np.isfinite(f0) & (f0 > 0), f0, 0).astype(f0.dtype)

"""Mouth opening and mouth form from the sound that leaves for the listener, one pair of values per 20 ms."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

# Loudness in dBFS (RMS of one step) → opening. Speech lies at -30 to -12: the curve still rises there.
_LOUDNESS = (-50.0, -35.0, -18.0, 0.0)
_OPENING = (0.0, 0.3, 0.8, 1.0)
ATTACK_MS = 10.0  # time constant of opening
RELEASE_MS = 80.0  # from wide open to closed, in a straight line
FORM_MS = 50.0  # time constant of the form
WINDOW_MS = 40  # spectrum
# Hz: the first formant; the second of back vowels; of these, that of "a"; the second of front vowels
BANDS = LOW, BACK, MIDDLE, FRONT = (150, 700), (700, 1600), (1000, 1600), (1700, 3400)


class MouthCurve:
    """Streaming lip sync at `rate` Hz with one value per `step` samples; `reset` closes the mouth.

    The opening follows the loudness in dB, opens at once and closes in RELEASE_MS; silence gives exactly 0. The form
    is 1 for spread vowels (i, e: second formant above 1.7 kHz), -1 for rounded ones (o, u: little above 1 kHz), about 0
    for "a".
    """

    def __init__(self, rate: int = 48_000, step: int = 960) -> None:
        if rate < 8000 or step < 1:
            raise ValueError(f"MouthCurve wants a rate of 8000 Hz or more and a positive step, got {rate} and {step}")
        step_ms = 1000.0 * step / rate
        self._step = step
        self._attack = 1.0 - math.exp(-step_ms / ATTACK_MS)
        self._release = step_ms / RELEASE_MS
        self._form_share = 1.0 - math.exp(-step_ms / FORM_MS)
        self._size = rate * WINDOW_MS // 1000
        self._taper = np.hanning(self._size).astype(np.float32)
        self._bands = [slice(*(hz * self._size // rate for hz in band)) for band in BANDS]
        self.reset()

    def reset(self) -> None:
        """Close the mouth and forget what was heard."""
        self._rest: F32 = np.zeros(0, np.float32)
        self._heard: F32 = np.zeros(self._size, np.float32)
        self._open = 0.0
        self._form = 0.0

    def feed(self, samples: F32) -> tuple[list[float], list[float]]:
        """Opening in [0, 1] and form in [-1, 1] for every full step of samples (n,) float32 in [-1, 1], any n.

        What does not fill a step waits for the next call. Values that are no numbers count as silence.
        """
        sound = np.nan_to_num(samples, copy=True, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32).clip(-1.0, 1.0)
        self._rest = np.concatenate((self._rest, sound))
        opened: list[float] = []
        formed: list[float] = []
        while self._rest.shape[0] >= self._step:
            block, self._rest = self._rest[: self._step], self._rest[self._step :]
            self._heard = np.concatenate((self._heard, block))[-self._size :]
            self._follow(block)
            opened.append(self._open)
            formed.append(self._form)
        return opened, formed

    def _follow(self, block: F32) -> None:
        power = float(np.dot(block, block)) / self._step
        wanted = float(np.interp(10.0 * math.log10(power + 1e-12), _LOUDNESS, _OPENING))
        if wanted > self._open:
            self._open += (wanted - self._open) * self._attack
        else:
            self._open = max(wanted, self._open - self._release)
        if self._open == 0.0:
            self._form = 0.0
        else:
            form = self._vowel() if wanted > 0.0 else 0.0
            self._form += (form - self._form) * self._form_share

    def _vowel(self) -> float:
        """Form of the last WINDOW_MS; levels in dB found on vowels of four formant voices and a neural one."""
        spectrum = np.fft.rfft(self._heard * self._taper)
        low, back, middle, front = (10.0 * math.log10(_power(spectrum[band]) + 1e-9) for band in self._bands)
        spread = _share(front - back, -6.0, 0.0) * _share(front - low, -30.0, -22.0)  # not m, n: all is low there
        rounded = _share(back - front, 4.0, 12.0) * _share(low - middle, 8.0, 16.0)
        return spread - rounded


def _power(spectrum: NDArray[np.complexfloating]) -> float:
    return float(np.vdot(spectrum, spectrum).real)


def _share(value: float, low: float, high: float) -> float:
    """0 at `low` and below, 1 at `high` and above."""
    return min(1.0, max(0.0, (value - low) / (high - low)))

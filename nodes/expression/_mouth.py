"""Mouth opening, form and vowels from the sound that leaves for the listener, one pair of values per 20 ms."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vaidol.models.vowels import Vowels

F32 = NDArray[np.float32]

# Loudness in dBFS (RMS of one step) → opening. Speech lies at -30 to -12: the curve still rises there.
_LOUDNESS = (-50.0, -35.0, -18.0, 0.0)
_OPENING = (0.0, 0.3, 0.8, 1.0)
ATTACK_MS = 10.0  # time constant of opening
RELEASE_MS = 80.0  # from wide open to closed, in a straight line
FORM_MS = 50.0  # time constant of form and vowels
FORMS = np.array([0.0, 1.0, -1.0, 0.7, -0.8])  # of A I U E O: spread 1, round -1


class Shape(NamedTuple):
    """One value of the mouth track: opening in [0, 1], form in [-1, 1], and the weights of A I U E O, whose sum is the
    opening."""

    open: float
    form: float
    vowels: tuple[float, float, float, float, float]


class MouthCurve:
    """Streaming lip sync at `rate` Hz with one value per `step` samples; `reset` closes the mouth.

    The opening follows the loudness in dB, opens at once and closes in RELEASE_MS; silence gives exactly 0. The vowels
    come from the spectrum of WINDOW_MS around the start of the step; the form is 1 for spread ones (i, e), -1 for
    rounded ones (u, o), about 0 for "a". Consonants look like the vowels beside them.
    """

    def __init__(self, rate: int = 48_000, step: int = 960) -> None:
        if rate < 8000 or step < 1:
            raise ValueError(f"MouthCurve wants a rate of 8000 Hz or more and a positive step, got {rate} and {step}")
        step_ms = 1000.0 * step / rate
        self._step = step
        self._attack = 1.0 - math.exp(-step_ms / ATTACK_MS)
        self._release = step_ms / RELEASE_MS
        self._form_share = 1.0 - math.exp(-step_ms / FORM_MS)
        self._likely = Vowels(rate)
        self.reset()

    def reset(self) -> None:
        """Close the mouth and forget what was heard."""
        self._rest: F32 = np.zeros(0, np.float32)
        self._heard: F32 = np.zeros(self._likely.size, np.float32)
        self._open = 0.0
        self._vowels = np.zeros(5)  # weights of A I U E O, their sum 1, or 0 where the mouth is closed

    def feed(self, samples: F32) -> list[Shape]:
        """The shape for every full step of samples (n,) float32 in [-1, 1], any n.

        What does not fill a step waits for the next call. Values that are no numbers count as silence.
        """
        sound = np.nan_to_num(samples, copy=True, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32).clip(-1.0, 1.0)
        self._rest = np.concatenate((self._rest, sound))
        shapes: list[Shape] = []
        while self._rest.shape[0] >= self._step:
            block, self._rest = self._rest[: self._step], self._rest[self._step :]
            self._heard = np.concatenate((self._heard, block))[-self._likely.size :]
            shapes.append(self._follow(block))
        return shapes

    def _follow(self, block: F32) -> Shape:
        power = float(np.dot(block, block)) / self._step
        wanted = float(np.interp(10.0 * math.log10(power + 1e-12), _LOUDNESS, _OPENING))
        if wanted > self._open:
            self._open += (wanted - self._open) * self._attack
        else:
            self._open = max(wanted, self._open - self._release)
        if self._open == 0.0:
            self._vowels = np.zeros(5)
        elif wanted > 0.0:
            share = self._form_share if self._vowels.any() else 1.0
            self._vowels = self._vowels + (self._likely(self._heard) - self._vowels) * share
        a, i, u, e, o = (self._open * self._vowels).tolist()
        return Shape(self._open, float(FORMS @ self._vowels), (a, i, u, e, o))

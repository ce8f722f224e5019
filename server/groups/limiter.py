"""A soft limiter: several voices at once stay within range, and one alone is left as it is."""

from __future__ import annotations

import numpy as np

from vaidol.graph.frames import F32

CEILING = 0.89  # -1 dBFS, to which peaks are turned down
ATTACK = 120  # samples, 2.5 ms: no longer does it take to turn down; what is too loud within it is bent, not clipped
RELEASE = 1.1  # per packet of 20 ms: 40 dB/s up again


class Limiter:
    """State of one listener's sound: call it with each packet, (n,) float32, in order; none of the result exceeds 1."""

    def __init__(self) -> None:
        self._gain = 1.0

    @property
    def rests(self) -> bool:
        """Whether sound within range leaves as it came."""
        return self._gain == 1.0

    def __call__(self, samples: F32) -> F32:
        peak = max(float(samples.max()), -float(samples.min()))
        goal = min(1.0, self._gain * RELEASE, CEILING / peak if peak > CEILING else 1.0)
        before, self._gain = self._gain, goal
        if before == goal == 1.0:
            return samples
        length = ATTACK if goal < before else len(samples)
        out: F32 = samples * np.float32(goal)
        out[:length] = samples[:length] * np.linspace(before, goal, length, dtype=np.float32)
        return _bent(out) if goal < before else out


def _bent(samples: F32) -> F32:
    """What exceeds `CEILING` approaches 1 instead of passing it."""
    over = np.abs(samples) - np.float32(CEILING)
    room = np.float32(1 - CEILING)
    bent: F32 = np.where(over > 0, np.sign(samples) * (CEILING + room * np.tanh(over / room)), samples).astype(
        np.float32
    )
    return bent

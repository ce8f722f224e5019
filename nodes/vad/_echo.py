"""Whether the microphone hears the avatar itself: how much of the sound is a delayed copy of what was just played.

The browser removes most echo; what a loudspeaker without it leaves is found here by normalised cross-correlation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.frames import F32

RATE = 16_000  # Hz
SPAN = 2048  # samples of the microphone that are compared, 128 ms
LAG = RATE // 2  # samples; an echo is not older
SIZE = 16_384  # of the transform: SPAN + LAG and more
JUMP = RATE // 10  # samples; sound played after a pause of this length begins anew
NEAR, KNOWN = 48, 0.35  # samples, 3 ms; share of the share that is enough there
SILENT = 1e-7  # mean power below which nothing was played


class EchoGuard:
    """One session's output of the last moments, and the microphone's sound of the last `SPAN`. About 0.6 ms a look."""

    def __init__(self) -> None:
        self._played = np.zeros(SPAN + LAG, np.float32)  # ends at microphone sample `_until`
        self._until = 0
        self._heard = np.zeros(SPAN, np.float32)
        self._now = 0  # microphone samples so far
        self._delay: int | None = None  # of the last echo, as an index of `shares`

    def play(self, samples: F32) -> None:
        """`samples` (n,) at 16 kHz are being played from now on."""
        at = self._until if abs(self._until - self._now) < JUMP else self._now
        self._shift(at + len(samples))
        self._played[len(self._played) - len(samples) :] = samples[-len(self._played) :]

    def hear(self, samples: F32, end: int) -> None:
        """`samples` (n,) at 16 kHz came from the microphone; `end` is the number of the sample behind them."""
        self._heard = np.concatenate((self._heard, np.nan_to_num(samples)))[-SPAN:].astype(np.float32, copy=False)
        self._now = end

    @property
    def playing(self) -> bool:
        """Something was played so recently that its echo could be heard."""
        return self._until > self._now - SPAN - LAG

    def echoes(self, share: float) -> bool:
        """Whether a delayed copy of what was played explains `share` (0..1) of the power heard last.

        At the delay of the last echo less is enough: noise hides an echo, but does not move it.
        """
        shares = self.shares()
        best = int(np.argmax(shares))
        if shares[best] >= share:
            self._delay = best
            return True
        near = shares[max(0, self._delay - NEAR) : self._delay + NEAR + 1] if self._delay is not None else shares[:0]
        return share < 1 and len(near) > 0 and float(near.max()) >= KNOWN * share

    def shares(self) -> NDArray[np.float64]:
        """How much of the power heard last what was played explains, 0..1, by delay: (LAG + 1,), the longest first."""
        self._shift(max(self._until, self._now))
        stop = len(self._played) - (self._until - self._now)
        played = np.zeros(SPAN + LAG, np.float32)
        played[len(played) - stop :] = self._played[:stop]
        played, heard = _emphasised(played), _emphasised(self._heard)
        power = float(np.dot(heard, heard))
        if power < SILENT * SPAN or float(np.dot(played, played)) < SILENT * SPAN:
            return np.zeros(LAG + 1)
        spectrum = np.fft.rfft(played, SIZE) * np.conj(np.fft.rfft(heard, SIZE))
        match = np.fft.irfft(spectrum, SIZE)[: LAG + 1]
        total = np.concatenate(([0.0], np.cumsum(np.square(played, dtype=np.float64))))
        powers = total[SPAN:] - total[: LAG + 1]
        loud = powers > max(SILENT * SPAN, 1e-3 * float(powers.max()))
        return np.where(loud, match**2 / (np.maximum(powers, 1e-12) * power), 0.0)

    def _shift(self, until: int) -> None:
        """Let what was played end at microphone sample `until`, silence behind it."""
        by = until - self._until
        if by >= len(self._played) or by < 0:
            self._played[:] = 0.0
        elif by:
            self._played[:-by] = self._played[by:]
            self._played[-by:] = 0.0
        self._until = until


def _emphasised(samples: F32) -> F32:
    """High notes as loud as low ones: two voices of the same pitch are not the same then."""
    return np.append(samples[:1], samples[1:] - np.float32(0.8) * samples[:-1])

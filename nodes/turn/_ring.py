"""The sound of the last seconds, found by sample number."""

from __future__ import annotations

from collections import deque

import numpy as np

from vaidol.graph.frames import EMPTY, F32

BLOCK = 320  # samples, 20 ms at 16 kHz: how finely a quiet place is looked for

QUIET = 0.02  # of the mean power: 17 dB below


class Ring:
    """Samples `start` to `end` (numbers since the session began), without a hole; who uses it bounds it by `forget`."""

    def __init__(self) -> None:
        self.start = self.end = 0
        self._pieces: deque[F32] = deque()

    def append(self, samples: F32) -> None:
        if len(samples):
            self._pieces.append(samples)
            self.end += len(samples)

    def restart(self, pts: int) -> None:
        """Forget everything; the next sample is number `pts`."""
        self._pieces.clear()
        self.start = self.end = pts

    def forget(self, before: int) -> None:
        """Drop what lies wholly before sample `before`, a piece at a time."""
        while self._pieces and self.start + len(self._pieces[0]) <= before:
            self.start += len(self._pieces.popleft())

    def take(self, begin: int, end: int) -> F32:
        """A copy of samples `begin` to `end`, as far as they are there."""
        whole = np.concatenate(self._pieces) if self._pieces else EMPTY
        return whole[max(begin - self.start, 0) : max(end - self.start, 0)].copy()

    def quietest(self, begin: int, end: int) -> int:
        """The middle of the quietest 60 ms between `begin` and `end`; `end` when that is no room for it."""
        sound = self.take(begin, end)
        blocks = np.square(sound[: len(sound) // BLOCK * BLOCK]).reshape(-1, BLOCK).sum(axis=1)
        if len(blocks) < 3:
            return end
        best = int(np.argmin(np.convolve(blocks, np.ones(3), mode="valid")))
        return max(begin, self.start) + best * BLOCK + BLOCK * 3 // 2

    def ends_loud(self, begin: int) -> bool:
        """Whether the last 60 ms are not far below the level since sample `begin`: the end is not in sight."""
        sound = self.take(begin, self.end)
        last = sound[-3 * BLOCK :]
        return float(np.mean(np.square(last))) > QUIET * float(np.mean(np.square(sound))) if len(last) else False

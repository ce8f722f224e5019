"""A microphone on its way into a mix: sound comes by its own clock, and leaves 20 ms at a time by that of the mix."""

from __future__ import annotations

from collections import deque

import numpy as np

from vaidol.graph.frames import F32, Audio
from vaidol.graph.pacer import RATE, STEP
from vaidol.nodes.webrtc._live import Live
from vaidol.server.jitter import FADE_IN, faded


class Strand:
    """`push` what comes, `pull` a packet per tick; all samples (n,) float32 mono 48 kHz.

    It holds back nothing: a packet leaves at the next tick. What a stall or a quicker clock piles up is cut by `Live`,
    80 ms at most wait; where a slower clock leaves a hole, the sound fades out and in again.
    """

    def __init__(self) -> None:
        self._live = Live()
        self._waiting: deque[F32] = deque()  # bounded by what `Live` lets in
        self._length = 0
        self._last: F32 | None = None  # the packet pulled last, if it had sound
        self._broken_off = False
        self.holes = 0  # packets that were not there in time

    @property
    def depth_ms(self) -> float:
        return self._length * 1000 / RATE

    def push(self, samples: F32) -> None:
        kept = self._live.trim(Audio(samples=samples, rate=RATE), self.depth_ms)
        if kept is not None:
            self._waiting.append(kept.samples.astype(np.float32, copy=False))
            self._length += len(kept.samples)

    def pull(self) -> F32 | None:
        """The next (960,) samples; None: silence."""
        if not self._length and self._last is None:
            return None
        out = np.zeros(STEP, np.float32)
        filled = self._fill(out)
        if self._broken_off and filled:
            out[:FADE_IN] *= np.linspace(0.0, 1.0, FADE_IN, dtype=np.float32)
        self._broken_off = filled < STEP
        if self._broken_off:
            self.holes += 1
            last = out[:filled] if filled >= STEP // 2 else self._last
            if last is not None:
                out[filled:] = faded(last, STEP - filled)
        self._live.tick(self.depth_ms)
        self._last = out if filled and out.any() else None
        return out if out.any() else None

    def _fill(self, out: F32) -> int:
        filled = 0
        while filled < STEP and self._waiting:
            piece = self._waiting.popleft()
            take = min(STEP - filled, len(piece))
            out[filled : filled + take] = piece[:take]
            filled += take
            if take < len(piece):
                self._waiting.appendleft(piece[take:])
        self._length -= filled
        return filled

"""Sound that comes in real time and goes straight out again: what a hiccup piled up is cut, so that no delay stays."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.frames import Audio

RATE = 48_000  # Hz
SOON, LATER = 6, 18  # ticks, 120 ms and 360 ms: what was never needed for so long is cut
SOON_MARGIN_MS, MARGIN_MS = 12.0, 5.0  # but for this much
WORTH_MS = 5.0  # shorter cuts are not made
MOST_MS = 60.0  # waiting before a frame that comes; more is not even queued
BLEND = 240  # samples, 5 ms, over which the sound before a cut goes over into that behind it


class Live:
    """Watches how much waits (`tick`), and shortens what comes (`trim`) by as much as has waited all along."""

    def __init__(self) -> None:
        self._depths: deque[float] = deque(maxlen=LATER)
        self._left_out: Audio | None = None  # the sound that follows what was queued last, if it was left out
        self.cut_ms = 0.0

    def tick(self, depth_ms: float) -> None:
        """`depth_ms` of sound waits behind the packet just released."""
        self._depths.append(depth_ms)

    def trim(self, frame: Audio, depth_ms: float) -> Audio | None:
        """What of `frame` is to be queued behind `depth_ms` of sound; None: nothing."""
        if depth_ms > MOST_MS and not frame.final:
            self._left_out = self._left_out or frame
            self.cut_ms += frame.ms
            return None
        kept = frame
        cut = min(int(self._spare_ms() * RATE / 1000), len(frame.samples) - BLEND)
        if cut > WORTH_MS * RATE / 1000:
            kept = _blended(frame, frame, frame.samples[cut:])
            gone_ms = frame.ms - kept.ms
            self.cut_ms += gone_ms
            self._depths = deque((depth - gone_ms for depth in self._depths), maxlen=LATER)
        if self._left_out is not None:
            kept = _blended(self._left_out, kept, kept.samples)
            self._left_out = None
        return kept

    def _spare_ms(self) -> float:
        """How much of what waits has not been needed."""
        depths = tuple(self._depths)
        soon = min(depths[-SOON:]) - SOON_MARGIN_MS if len(depths) >= SOON else 0.0
        later = min(depths) - MARGIN_MS if len(depths) == LATER else 0.0
        return max(soon, later)


def _blended(before: Audio, frame: Audio, samples: NDArray[Any]) -> Audio:
    """`frame` with `samples` (n,) float32, which begin as `before` does and go over into themselves."""
    samples = samples.astype(np.float32)
    length = min(BLEND, len(samples), len(before.samples))
    rising = np.linspace(0.0, 1.0, length, dtype=np.float32)
    samples[:length] = before.samples[:length] * (1 - rising) + samples[:length] * rising
    return replace(frame, samples=samples)

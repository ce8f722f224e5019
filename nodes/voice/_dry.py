"""What goes on while a voice is late: the sound as it came in, or shifted, joined to what was spoken last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vaidol.graph.frames import EMPTY, F32

if TYPE_CHECKING:
    from vaidol.models.shift import Shift

HEARD, SPOKEN = 16_000, 48_000  # Hz
JOINT = 96  # samples, 2 ms: in which a step at the joint dies away to a third


class Dry:
    """A stream of its own, from where the voice broke off."""

    def __init__(self, shift: Shift | None, last: float, skip: int = 0) -> None:
        """`last`: the last sample that left before; `skip`: samples at the beginning that had left already."""
        import soxr

        from vaidol.models.shift import VoiceShifter

        self._to_48k: Any = soxr.ResampleStream(HEARD, SPOKEN, 1, dtype="float32")
        self._shifter = VoiceShifter(HEARD, shift) if shift is not None and not shift.nothing else None
        self._last = last
        self._heard = self._given = 0
        self._skip = skip

    def feed(self, samples: F32, *, end: bool = False) -> F32:
        """`samples` (n,) at 16 kHz; what can leave by now, (m,) at 48 kHz; at the end all, three for each heard."""
        sound = samples.astype(np.float32, copy=False)
        self._heard += len(sound)
        if self._shifter is not None:
            sound = self._shifter.feed(sound)
            if end:
                sound = np.concatenate((sound, self._shifter.flush()))
        out: F32 = np.asarray(self._to_48k.resample_chunk(sound, last=end), np.float32) if len(sound) or end else EMPTY
        left = self._heard * SPOKEN // HEARD - self._given
        out = np.concatenate((out, np.zeros(left - len(out), np.float32))) if end and len(out) < left else out[:left]
        self._given += len(out)
        skipped = min(self._skip, len(out))
        self._skip -= skipped
        return self._joined(out[skipped:])

    def _joined(self, out: F32) -> F32:
        if self._last and len(out):
            step = self._last - out[0]
            out = out + step * np.exp(-np.arange(len(out), dtype=np.float32) / JOINT)
            self._last = 0.0
        return np.clip(out, -1.0, 1.0)

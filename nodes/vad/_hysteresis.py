"""When speech begins and ends, from one probability and the levels of each window: plain state, no model, no audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vaidol.graph.frames import Speech

RATE = 16_000  # Hz
BLOCK = 64  # samples, 4 ms: how finely the end of the sound is looked for
EARLIER = RATE * 96 // 1000  # samples; the network goes on hearing speech for 1-3 windows after its last sound
BELOW_SPEECH_DB = 35.0  # as quiet as this against the loudest block, it is no sound of that voice any more
FLOOR_HIGHEST = -35.0  # dBFS; a room as loud as this may not make the user inaudible
FALL, RISE = 0.2, 0.02  # how far the noise floor moves towards a window: down in 5 windows (160 ms), up in 50 (1.6 s)


@dataclass(slots=True)
class Hysteresis:
    """Two thresholds and two durations: easy to stay in, hard to get in or out.

    Speech begins when `onset_ms` of windows in a row reach `onset` and are loud: at least `min_dbfs`, and
    `above_noise_db` over the noise floor. It ends when `hangover_ms` after its last sound the network hears none. Both
    are told back-dated to the sample where they happened: the onset to its window, the end to its last loud block.
    """

    onset: float
    offset: float
    onset_ms: int
    hangover_ms: int
    min_dbfs: float
    above_noise_db: float
    active: bool = False
    noise_dbfs: float = -100.0
    _began: int | None = None  # first sample of the run of voiced windows under way
    _ended: int = 0  # sample behind the last voiced window
    _sounded: int = 0  # sample behind the last loud block of a voiced window
    _peak_dbfs: float = -100.0  # of the blocks of this speech

    def go_on(self, other: Hysteresis) -> None:
        """Hear what `other` has heard so far, by the own thresholds."""
        self.active, self.noise_dbfs, self._began = other.active, other.noise_dbfs, other._began
        self._ended, self._sounded, self._peak_dbfs = other._ended, other._sounded, other._peak_dbfs

    def window(
        self, probability: float, dbfs: float, start: int, end: int, blocks: Sequence[float] = ()
    ) -> Speech | None:
        """Judge the window of samples `start` to `end`; returns the change it brings, if it brings one.

        dbfs: its level. blocks: that of each `BLOCK` samples of it; without them, a window sounds as a whole.
        """
        if self.active:
            return self._while_speech(probability, end, blocks)
        if probability < self.offset:
            self._hear_noise(dbfs)
        if probability < self.onset or dbfs < max(self.min_dbfs, self.noise_dbfs + self.above_noise_db):
            self._began = None
            return None
        began = self._began = start if self._began is None else self._began
        if (end - began) * 1000 < self.onset_ms * RATE:
            return None
        self.active, self._began, self._ended, self._sounded, self._peak_dbfs = True, None, end, end, dbfs
        return Speech(active=True, pts=began, probability=probability)

    def _while_speech(self, probability: float, end: int, blocks: Sequence[float]) -> Speech | None:
        if probability >= self.offset:
            self._ended, self._sounded = end, self._sound_end(end, blocks)
            return None
        if (end - self._sounded) * 1000 < self.hangover_ms * RATE:
            return None
        self.active = False
        return Speech(active=False, pts=self._sounded, probability=probability)

    def _sound_end(self, end: int, blocks: Sequence[float]) -> int:
        """The sample behind the last loud block, in a voiced window that ends at sample `end`."""
        self._peak_dbfs = max(self._peak_dbfs, *blocks) if blocks else self._peak_dbfs
        least = max(self._peak_dbfs - BELOW_SPEECH_DB, self.noise_dbfs + self.above_noise_db)
        quiet = next((n for n, dbfs in enumerate(reversed(blocks)) if dbfs >= least), len(blocks))
        sounded = end - quiet * BLOCK if quiet < len(blocks) or not blocks else self._sounded
        return max(sounded, self._sounded, end - EARLIER)

    def _hear_noise(self, dbfs: float) -> None:
        share = FALL if dbfs < self.noise_dbfs else RISE
        self.noise_dbfs = min(FLOOR_HIGHEST, self.noise_dbfs + share * (max(dbfs, -100.0) - self.noise_dbfs))

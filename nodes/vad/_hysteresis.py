"""When speech begins and ends, from one probability and one level per window: plain state, no model, no audio."""

from __future__ import annotations

from dataclasses import dataclass

from vaidol.graph.frames import Speech

RATE = 16_000  # Hz
FLOOR_HIGHEST = -35.0  # dBFS; a room as loud as this may not make the user inaudible
FALL, RISE = 0.2, 0.02  # how far the noise floor moves towards a window: down in 5 windows (160 ms), up in 50 (1.6 s)


@dataclass(slots=True)
class Hysteresis:
    """Two thresholds and two durations: easy to stay in, hard to get in or out.

    Speech begins when `onset_ms` of windows in a row reach `onset` and are loud: at least `min_dbfs`, and
    `above_noise_db` over the noise floor. It ends when no window has reached `offset` for `hangover_ms`. Both are told
    back-dated to the sample where they happened.
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

    def window(self, probability: float, dbfs: float, start: int, end: int) -> Speech | None:
        """Judge the window of samples `start` to `end`; returns the change it brings, if it brings one."""
        if self.active:
            return self._while_speech(probability, start, end)
        if probability < self.offset:
            self._hear_noise(dbfs)
        if probability < self.onset or dbfs < max(self.min_dbfs, self.noise_dbfs + self.above_noise_db):
            self._began = None
            return None
        began = self._began = start if self._began is None else self._began
        if (end - began) * 1000 < self.onset_ms * RATE:
            return None
        self.active, self._began, self._ended = True, None, end
        return Speech(active=True, pts=began, probability=probability)

    def _while_speech(self, probability: float, start: int, end: int) -> Speech | None:
        if probability >= self.offset:
            self._ended = end
        if (end - self._ended) * 1000 < self.hangover_ms * RATE:
            return None
        self.active = False
        return Speech(active=False, pts=self._ended, probability=probability)

    def _hear_noise(self, dbfs: float) -> None:
        share = FALL if dbfs < self.noise_dbfs else RISE
        self.noise_dbfs = min(FLOOR_HIGHEST, self.noise_dbfs + share * (max(dbfs, -100.0) - self.noise_dbfs))

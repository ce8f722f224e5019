"""How long to wait in silence before the turn is over: the words give the range, the sound the place in it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

OPEN, UNSURE, SURE = 0.1, 0.5, 0.9  # of the words: they go on; a sentence that may go on; one that surely does not
KNOWN = 4  # pauses of a speaker from which on they count
KEPT = 16
USUAL = 80  # of 100 pauses of a speaker are shorter than the one that is waited for
MORE_MS = 130  # who goes on is known to speak so late after the pause
PATIENCE_MAX = 2.5
PATIENCE_UP, PATIENCE_DOWN = 1.35, 0.93  # for each turn that was ended too early, and for each that was not


class Pace:
    """What is known of one speaker: the pauses inside the turns, and whether turns were ended too early."""

    def __init__(self) -> None:
        self.patience = 1.0
        self._pauses: deque[float] = deque(maxlen=KEPT)

    def paused(self, ms: float) -> None:
        """The speaker went on after `ms` of silence."""
        self._pauses.append(ms)

    def ended(self, *, early: bool) -> None:
        """The turn before had been ended; `early`: the speaker was not through."""
        factor = PATIENCE_UP if early else PATIENCE_DOWN
        self.patience = min(max(self.patience * factor, 1.0), PATIENCE_MAX)

    def between(self, statement_ms: float) -> float:
        """Silence that this speaker seldom makes between two sentences of one turn, ms."""
        if len(self._pauses) < KNOWN:
            return statement_ms
        return float(np.percentile(self._pauses, USUAL)) + MORE_MS


@dataclass(frozen=True, slots=True)
class Delay:
    """The settings of turn.smart that say how long, ms: see there."""

    least: float
    question: float
    statement: float
    silence: float
    unfinished: float

    def after(self, words: float | None, sound: float, pace: Pace) -> float:
        """Silence that ends the turn, ms. `words`, `sound`: how sure each is that the speaker has finished, 0..1; None:
        there are no words."""
        if words is None:
            return min(_place(self.least, self.silence, sound) * pace.patience, self.silence)
        least, most = self._range(words, pace)
        wanted = _place(least, most, sound)
        return wanted if words < UNSURE else min(wanted * pace.patience, self.silence)

    def _range(self, words: float, pace: Pace) -> tuple[float, float]:
        between = min(max(pace.between(self.statement), self.least), self.silence)
        if words >= UNSURE:
            share = min((words - UNSURE) / (SURE - UNSURE), 1.0)
            return _mix(between, self.least, share), _mix(self.silence, self.question, share)
        share = max(words - OPEN, 0.0) / (UNSURE - OPEN)
        longest = max(self.unfinished, self.silence)
        return _mix(longest, between, share), _mix(longest, self.silence, share)


def _place(least: float, most: float, sound: float) -> float:
    """From `most` where it sounds unfinished to `least` where it sounds finished; the model is seldom in between."""
    return _mix(most, least, min(max((sound - 0.2) / 0.6, 0.0), 1.0))


def _mix(one: float, other: float, share: float) -> float:
    return one + (other - one) * share

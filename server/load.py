"""How busy the event loop is: whether one more call would make the others late."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable

from vaidol.graph.clock import Clock, worked_s
from vaidol.graph.ticker import Ticker

LOOK_S = 0.5
FULL_SHARE = 0.8  # of a core; from 0.9 on ticks bunch and every call gets late, and some come in before that is seen
SAMPLES = 3  # the lowest counts: setting up a call is a short peak of its own
FEW = 8  # calls from which on what one more will cost can be told from what they cost
FULL_LAG_S = 0.040  # by which the ticks of the last second came late; another program may have the core


class Load:
    """`watch` measures for as long as it runs. `calls()`: how many there are."""

    def __init__(self, clock: Clock, ticker: Ticker, calls: Callable[[], int]) -> None:
        self._clock = clock
        self._ticker = ticker
        self._calls = calls
        self._samples: deque[tuple[float, int]] = deque([(0.0, 0)], maxlen=SAMPLES)  # share of a core, calls then

    @property
    def busy(self) -> bool:
        """No room for another call just now."""
        share, calls = min(self._samples)
        if calls >= FEW:
            share *= (self._calls() + 1) / calls  # many may come between two looks
        return share > FULL_SHARE or self.lag_s > FULL_LAG_S

    @property
    def lag_s(self) -> float:
        """By how much the ticks came late lately, median; 0 while nothing ticks."""
        lately = self._ticker.lately
        return statistics.median(lately) if len(lately) == lately.maxlen else 0.0

    async def watch(self) -> None:
        worked, at = worked_s(), self._clock.s()
        while True:
            await self._clock.sleep(LOOK_S)
            was_worked, was_at = worked, at
            worked, at = worked_s(), self._clock.s()
            self._samples.append(((worked - was_worked) / max(at - was_at, 1e-6), self._calls()))

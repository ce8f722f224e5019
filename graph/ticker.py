"""One 20 ms tick for all paced sources and sinks of a process: wake-ups cost more than work (FACTS, performance)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from vaidol.graph.clock import Clock
from vaidol.graph.histogram import BUCKETS, bucket, quantile_us

PTIME_S = 0.020  # one RTP packet of audio
LATELY = 50  # ticks of which the lag is kept: 1 s
LATE_S = 0.100  # later than this the schedule jumps instead of catching up in a burst


class Ticker:
    """Calls every subscriber once per `PTIME_S`, on schedule; after a stall it jumps and says by how many ticks.

    It ticks only while somebody subscribes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: dict[object, Callable[[int], None]] = {}
        self._due = 0.0
        self.lags = [0] * BUCKETS
        self.ticks = self.skipped = 0
        self.lately: deque[float] = deque(maxlen=LATELY)  # how late, s
        self._timer: asyncio.TimerHandle | None = None

    def subscribe(self, call: Callable[[int], None]) -> Callable[[], None]:
        """`call(skipped)` runs each tick; `skipped` ticks were left out before this one. Returns the unsubscriber."""
        token = object()
        self._calls[token] = call
        if self._timer is None:
            self._due = self._clock.s() + PTIME_S
            self._timer = self._clock.at(self._due, self._tick)

        def unsubscribe() -> None:
            self._calls.pop(token, None)
            if not self._calls and self._timer:
                self._timer.cancel()
                self._timer = None

        return unsubscribe

    def lag_us(self, share: float) -> float:
        """Upper bound of the `share` quantile (0.5, 0.99) of how late the ticks came, us."""
        return quantile_us(self.lags, share)

    def _tick(self) -> None:
        late = self._clock.s() - self._due
        skipped = int(late / PTIME_S) if late > LATE_S else 0
        self.ticks += 1
        self.skipped += skipped
        self.lately.append(late)
        self.lags[bucket(late)] += 1
        self._due += (skipped + 1) * PTIME_S
        self._timer = self._clock.at(self._due, self._tick)
        for token, call in tuple(self._calls.items()):
            if token in self._calls:  # one that ended during this tick is not called any more
                call(skipped)

"""One network for the ears of all sessions: windows that come at about the same time are judged in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Any, Protocol

import numpy as np

from vaidol.graph.clock import Clock
from vaidol.graph.frames import F32

MANY = 8  # streams from which on waiting pays: at 31 windows a second each, one more comes within `WAIT_S`
WAIT_S = 0.004  # the longest a window waits for others; of 32 streams 5 come in it, and longer saves little
ROWS = 32  # of one call, 2 ms of work

Verdict = Callable[[], float]  # the probability of one window, 0..1; raises what the network raises


class Network(Protocol):
    """`vaidol.models.silero.Silero`, or a double of it."""

    def state(self) -> Any:
        """What is remembered of one stream."""

    def probabilities(self, windows: F32, states: Sequence[Any]) -> F32:
        """See `Silero.probabilities`."""


class Ears:
    """The network of `vad.silero`, shared by the sessions of a process. All of it on the loop's thread.

    Measured per window: 117 us alone, 56 in a batch of 32; of 4 together, two thirds of what one alone costs. A
    session by itself is judged at once, and so is each of a few; the windows of `MANY` wait `WAIT_S` for each other.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.streams = 0
        self.calls = self.windows = 0
        self._waiting: dict[Stream, list[F32]] = {}  # in the order in which they came; at most what comes in `WAIT_S`
        self._timer: asyncio.TimerHandle | None = None

    def hear(self, stream: Stream, windows: Sequence[F32]) -> None:
        """See `Stream.hear`."""
        self._waiting.setdefault(stream, []).extend(windows)
        if self.streams < MANY:
            self._judge(stream)
        elif self._timer is None:
            self._timer = stream.clock.at(stream.clock.s() + WAIT_S, self._judge)

    def forget(self, stream: Stream) -> None:
        """What waits of `stream` is not judged any more."""
        self._waiting.pop(stream, None)

    def _judge(self, caller: Stream | None = None) -> None:
        """Judge all that waits: of each stream one window after the other, of several streams together."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, {}
        while waiting:
            for stream in [stream for stream, windows in waiting.items() if not windows or not stream.open]:
                del waiting[stream]
            rows = tuple(islice(waiting, ROWS))
            batch = _Batch(self, rows, tuple(waiting[stream].pop(0) for stream in rows))
            for row, stream in enumerate(rows):
                tell = stream.judged if stream is caller else stream.judged_later
                tell(partial(batch.probability, row))


@dataclass(eq=False)
class Stream:
    """The sound of one session. `judged(verdict)` is called for each window of it, in order.

    guard: makes of `judged` what may be called from outside the node (`Context.guarded`).
    """

    ears: Ears
    clock: Clock
    judged: Callable[[Verdict], None]
    guard: Callable[[Callable[[Verdict], None]], Callable[[Verdict], None]]
    open: bool = True

    def __post_init__(self) -> None:
        self.ears.streams += 1
        self.state = self.ears.network.state()
        self.judged_later = self.guard(self.judged)

    def hear(self, windows: Sequence[F32]) -> None:
        """Judge the next windows, each (512,) float32, 16 kHz: before this returns, or within `WAIT_S`."""
        if windows:
            self.ears.hear(self, windows)

    def close(self) -> None:
        if self.open:
            self.open = False
            self.ears.streams -= 1
            self.ears.forget(self)


@dataclass(eq=False)
class _Batch:
    """One window of each of some streams; judged when the first of them asks, within its node's guard."""

    ears: Ears
    streams: tuple[Stream, ...]
    windows: tuple[F32, ...]

    def probability(self, row: int) -> float:
        return float(self._probabilities[row])

    @cached_property
    def _probabilities(self) -> F32:
        states = [stream.state for stream in self.streams]
        found = self.ears.network.probabilities(np.stack(self.windows), states)
        self.ears.calls, self.ears.windows = self.ears.calls + 1, self.ears.windows + len(states)
        return found

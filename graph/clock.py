"""The one clock: real, or virtual for tests and scenarios, where time jumps to the next timer instead of passing."""

from __future__ import annotations

import asyncio
import errno
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

NS = 1_000_000_000  # ns per second
THREAD_S = 5.0  # real time that virtual time waits for a thread, when nothing else can happen
busy_s = time.perf_counter  # stopwatch for meters, real even when the clock is virtual; floats cost less than ns
worked_s = time.thread_time  # processor time of the calling thread


class Clock:
    """Time of the running event loop. On a `VirtualLoop` the same calls give virtual time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.virtual = isinstance(loop, VirtualLoop)

    def ns(self) -> int:
        """Monotonic time in ns."""
        return int(self._loop.time() * NS)

    def s(self) -> float:
        """Monotonic time in s."""
        return self._loop.time()

    def at(self, when_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Call back at `when_s` on this clock."""
        return self._loop.call_at(when_s, call)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def wall_s() -> float:
    """Seconds since 1970, for file names and prompts; never for measuring."""
    return time.time()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose waiting advances its own time at once. It has no real sockets, and waits for a thread only
    when nothing else can happen.

    A wait without any timer left would last for ever; it raises `Stalled` instead, so that a hung test names itself.
    """

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._now

    async def getaddrinfo(self, *_: Any, **__: Any) -> Any:
        """Nobody outside lives on this time: whoever asks for the network is told that there is none."""
        raise OSError(errno.ENETUNREACH, "there is no network on virtual time")

    async def sock_connect(self, *_: Any) -> None:
        """See `getaddrinfo`."""
        await self.getaddrinfo()

    def jump(self, seconds: float) -> None:
        """Advance virtual time; called by the selector when nothing is ready."""
        self._now += seconds


class Stalled(RuntimeError):
    """Everything waits and no timer is set: on a real loop this would hang."""


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting for `timeout` seconds, moves the loop's time by as much."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._virtual = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None and threading.active_count() > 1:
            ready = super().select(THREAD_S)  # a library's own thread: the only one that can still bring news
        if ready:
            return ready
        if timeout is None:
            raise Stalled("nothing is due and nothing can happen any more: a task waits for ever")
        self._virtual.jump(timeout)
        return []


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on virtual time, as fast as the processor allows."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


__all__ = ["NS", "Clock", "Stalled", "VirtualLoop", "busy_s", "run_virtual", "wall_s", "worked_s"]

"""What a turn does while no sound comes: between two packets, and when the connection has gone silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vaidol.graph.node import Context

STALL_S = 1.0  # audio that stops coming counts as silence after this


class Meanwhile:
    """Calls `due(ms)` on time though sound comes 20 ms at a time, and `stalled` when it stops within a turn."""

    def __init__(self, ctx: Context, due: Callable[[float], None], stalled: Callable[[], None]) -> None:
        self._ctx = ctx
        self._due = due
        self._stalled = stalled
        self._expecting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self.heard_s = 0.0  # clock, when sound came last

    def heard(self, longest_ms: float) -> None:
        """Sound came. `longest_ms` not 0: a turn is open, perhaps one that another node began (after a swap)."""
        self.heard_s = self._ctx.clock.s()
        if longest_ms and self._watching is None:
            self.begin(longest_ms)

    def expect(self, ms: float, now_ms: float, within_ms: float) -> None:
        """The silence is `now_ms` long: call `due(ms)` when it is `ms` long, if that lies within the packet under way.

        Nothing is lost by not hearing that packet: speech in it would not be known for speech before its onset time
        (96 ms) either.
        """
        _stop(self._expecting)
        self._expecting = None
        if 0 < ms - now_ms < within_ms:
            self._expecting = self._ctx.spawn(self._expect(ms, (ms - now_ms) / 1000))

    def begin(self, longest_ms: float) -> None:
        """A turn begins, in which no silence is longer than `longest_ms`: it may not stay open for ever."""
        self._watching = self._ctx.spawn(self._watch(longest_ms / 1000 + STALL_S))

    def end(self) -> None:
        """The turn is over."""
        _stop(self._watching)
        self._watching = None

    async def _expect(self, ms: float, in_s: float) -> None:
        await self._ctx.clock.sleep(in_s)
        self._expecting = None
        self._due(ms)

    async def _watch(self, limit_s: float) -> None:
        while (waited_s := self._ctx.clock.s() - self.heard_s) < limit_s:
            await self._ctx.clock.sleep(max(limit_s - waited_s, 0.02))
        self._watching = None
        self._stalled()


def _stop(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()

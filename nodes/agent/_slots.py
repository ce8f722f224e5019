"""Who uses which slot of a local model: a slot is held during a reply, and a session comes back to the one it had."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vaidol.graph.errors import ProviderError


class Slots:
    """`count` slots for any number of sessions; only replies at the same moment wait for one another."""

    def __init__(self, count: int) -> None:
        self._idle = list(range(count))  # the one unused for longest comes first
        self._owner: list[str | None] = [None] * count  # session whose conversation is in the slot's cache
        self._free = asyncio.Semaphore(count)

    @asynccontextmanager
    async def use(self, session: str, wait_s: float) -> AsyncIterator[int]:
        """A slot of one's own inside `async with`, if possible the one of last time. Raises `ProviderError`."""
        try:
            async with asyncio.timeout(wait_s):
                await self._free.acquire()
        except TimeoutError:
            count = len(self._owner)
            message = (
                f"the language model can answer {count} at a time, and none of them was done within {wait_s:g} s: "
                "try again in a moment, or raise 'slots' in the pipeline"
            )
            raise ProviderError(message, retryable=True, code="busy") from None
        slot = self._take(session)
        try:
            yield slot
        finally:
            self._idle.append(slot)
            self._free.release()

    def _take(self, session: str) -> int:
        """The one of last time, else one that nobody has used, else the one unused for longest."""
        own = (slot for slot in self._idle if self._owner[slot] == session)
        new = (slot for slot in self._idle if self._owner[slot] is None)
        slot = next(own, next(new, self._idle[0]))
        self._idle.remove(slot)
        self._owner[slot] = session
        return slot

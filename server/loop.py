"""The event loop of a server: addresses are looked up on threads of its own, never on those that encode the calls."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
THREADS = 4  # a dead name server holds one for half a minute
WAITING_MAX = 64  # look-ups at one time


class Loop(asyncio.SelectorEventLoop):
    """As asyncio's own, but for look-ups: HTTP clients ask the loop for them, and it would take its default executor,
    where aiortc encodes sound. The end of the loop does not wait for them either."""

    def __init__(self) -> None:
        super().__init__()
        self._looking = 0
        self._lookups = ThreadPoolExecutor(THREADS, thread_name_prefix="vaidol-lookup")

    async def getaddrinfo(self, *host: Any, **how: Any) -> Any:
        """`socket.getaddrinfo`. Raises `socket.gaierror`, also when too many wait."""
        return await self._look_up(lambda: socket.getaddrinfo(*host, **how))

    async def getnameinfo(self, address: Any, flags: int = 0) -> Any:
        """`socket.getnameinfo`. Raises as `getaddrinfo` does."""
        return await self._look_up(lambda: socket.getnameinfo(address, flags))

    def close(self) -> None:
        self._lookups.shutdown(wait=False, cancel_futures=True)
        super().close()

    async def _look_up(self, ask: Callable[[], T]) -> T:
        if self._looking >= WAITING_MAX:
            raise socket.gaierror(socket.EAI_AGAIN, "too many addresses are being looked up")
        self._looking += 1
        try:
            return await self.run_in_executor(self._lookups, ask)
        finally:
            self._looking -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on such a loop."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main)

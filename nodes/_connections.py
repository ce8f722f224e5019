"""The connections of an engine to servers outside: one pool for all its nodes and sessions."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from vaidol.graph.node import Need, Progress

if TYPE_CHECKING:
    from aiohttp import ClientSession

AT_ONCE, PER_HOST = 128, 32  # connections
MAX_LINE = 4 << 20  # bytes of one event, line or message


class Connections:
    """Open connections, kept for the next request; opened by the first node that asks, closed behind the last."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None
        self._users = 0

    def enter(self) -> None:
        self._users += 1

    async def leave(self) -> None:
        self._users -= 1
        if not self._users and self._session is not None:
            session, self._session = self._session, None
            await session.close()

    @property
    def session(self) -> ClientSession:
        """Needs a running loop."""
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE, limit_per_host=PER_HOST),
                timeout=aiohttp.ClientTimeout(total=None),
                read_bufsize=MAX_LINE // 2,  # the longest line is twice that
                trust_env=True,
            )
        return self._session


def connections_need() -> Need:
    """Shared by all nodes of an engine that ask servers: for `Node.needs`."""
    return Need("connections", "connections", _load)


def _load(progress: Progress) -> Connections:
    importlib.import_module("aiohttp")  # takes too long for the loop
    return Connections()

"""A web server of a test's own, on a free port of 127.0.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from aiohttp import web

END_S = 0.5  # for requests under way when it ends


class Local:
    """Runs as long as its context lasts. A subclass says in `routes` what it answers, and where in `path`."""

    scheme, path = "http", ""

    def __init__(self) -> None:
        self.port = 0
        self.left = 0  # clients that went away before the end of their answer
        self.closing = asyncio.Event()  # whoever answers nothing waits for this

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{self.path}"

    def routes(self) -> Iterable[web.RouteDef]:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_routes(self.routes())
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=END_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        await self._runner.cleanup()

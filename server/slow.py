"""Deadlines for clients that send a request drop by drop, so that none can hold a connection for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_protocol import RequestHandler

from vaidol.graph.clock import Clock
from vaidol.server.access import refusal
from vaidol.server.layers import layer

BODY_S = 10.0  # for the whole body of a request; none is larger than 256 KiB
HEAD_S = 10.0  # from opening a connection to the end of the headers of its first request
LOOK_S = 1.0
H = TypeVar("H", bound=Callable[..., Any])
OWN_TIME = "reads_in_its_own_time"


def reads_in_its_own_time(handler: H) -> H:
    """Mark a handler whose bodies may be larger: it reads them itself, with a deadline of its own."""
    setattr(handler, OWN_TIME, True)
    return handler


class Patience:
    """`whole` is a middleware; `watch` closes the connections on which no request has come in time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: set[RequestHandler] = set()  # connections on which a request has come

    @property
    def whole(self) -> Middleware:
        """The middleware that reads the body before anything else is done, within its time."""
        return layer(self._whole)

    async def _whole(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.protocol is not None:
            self._asked.add(request.protocol)
        if request.can_read_body and not getattr(request.match_info.handler, OWN_TIME, False):
            try:
                async with asyncio.timeout(BODY_S):
                    await request.read()
            except TimeoutError:
                response = refusal(408, "slow", f"the body did not come within {BODY_S:g} s")
                response.force_close()
                return response
        return await handler(request)

    async def watch(self, connections: Callable[[], Iterable[RequestHandler]]) -> None:
        """Look after `connections()` until cancelled."""
        since: dict[RequestHandler, float] = {}
        while True:
            await self._clock.sleep(LOOK_S)
            now, present = self._clock.s(), set(connections())
            self._asked &= present
            since = {one: since.get(one, now) for one in present - self._asked}
            for one, seen in since.items():
                if now - seen >= HEAD_S:
                    one.force_close()

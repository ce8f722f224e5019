"""Methods as middlewares of aiohttp, which takes functions of a certain mark only: a method cannot bear it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


def layer(do: Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]) -> Middleware:
    """The middleware that answers by `do(request, handler)`."""

    @web.middleware
    async def marked(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await do(request, handler)

    return marked

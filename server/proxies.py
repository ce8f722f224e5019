"""Behind a reverse proxy: who really asked, by the headers of a proxy that is trusted, and of no other."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from vaidol.server.networks import Network, network, within


def behind(trusted: Sequence[str]) -> Middleware:
    """The middleware that takes `X-Forwarded-For`, `-Proto` and `-Host` from `trusted`, and from nobody else."""
    networks = tuple(network(one) for one in trusted)

    @web.middleware
    async def seen(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(_as_asked(request, networks) if within(request.remote or "", networks) else request)

    return seen


def _as_asked(request: web.Request, networks: Sequence[Network]) -> web.Request:
    """`request` as the client sent it to the proxy."""
    headers = request.headers
    way = [one.strip() for one in ",".join(headers.getall("X-Forwarded-For", ())).split(",") if one.strip()]
    client = next((one for one in reversed(way) if not within(one, networks)), way[0] if way else request.remote or "")
    scheme = headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
    host = headers.get("X-Forwarded-Host", "").rpartition(",")[2].strip()
    return request.clone(
        remote=client,
        scheme=scheme if scheme in ("http", "https") else request.scheme,
        host=host or request.host,
    )

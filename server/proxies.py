"""Behind a reverse proxy: who really asked, by the headers of a proxy that is trusted, and of no other."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(text: str) -> Network:
    """An address, or a network such as 10.0.0.0/8. Raises `ValueError`."""
    return ipaddress.ip_network(text, strict=False)


def behind(trusted: Sequence[str]) -> Middleware:
    """The middleware that takes `X-Forwarded-For`, `-Proto` and `-Host` from `trusted`, and from nobody else."""
    networks = tuple(network(one) for one in trusted)

    @web.middleware
    async def seen(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(_as_asked(request, networks) if _within(request.remote or "", networks) else request)

    return seen


def _as_asked(request: web.Request, networks: Sequence[Network]) -> web.Request:
    """`request` as the client sent it to the proxy."""
    headers = request.headers
    way = [one.strip() for one in ",".join(headers.getall("X-Forwarded-For", ())).split(",") if one.strip()]
    client = next((one for one in reversed(way) if not _within(one, networks)), way[0] if way else request.remote or "")
    scheme = headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
    host = headers.get("X-Forwarded-Host", "").rpartition(",")[2].strip()
    return request.clone(
        remote=client,
        scheme=scheme if scheme in ("http", "https") else request.scheme,
        host=host or request.host,
    )


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in one for one in networks)

"""How much one network address may ask for: 429 with Retry-After beyond that. This machine itself may ask for anything,
for a reverse proxy may stand here (`--trust-proxy` tells whom it speaks for)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from vaidol.graph.clock import Clock
from vaidol.server.access import brings_token, refusal
from vaidol.server.allowance import Addresses
from vaidol.server.layers import layer
from vaidol.server.networks import is_loopback

SESSION = "/api/sessions/{session}"
CALLS = ("POST /whip", "POST /whep", "GET /client-ws")
COSTLY = (
    "PUT /api/pipeline", f"PUT {SESSION}/pipeline", f"POST {SESSION}/rollback", f"POST {SESSION}/persona",
    f"POST {SESSION}/dump", f"POST {SESSION}/recording",
)  # fmt: skip
READS = (
    "GET /api/history", "GET /api/history/{chat}", "GET /api/recordings", "GET /api/recordings/{name}", "GET /metrics",
    f"GET {SESSION}/waterfall", "GET /api/events", "GET /api/inspect", "GET /live2d-models/info",
)  # fmt: skip


@dataclass(frozen=True)
class Limit:
    """So many requests a second, and so many at once."""

    per_s: float
    at_once: float


LIMITS = {
    **dict.fromkeys(CALLS, "calls"), **dict.fromkeys(COSTLY, "costly"), **dict.fromkeys(READS, "reads"),
}  # fmt: skip
KINDS = {
    "calls": Limit(0.5, 10), "costly": Limit(0.5, 10), "reads": Limit(5, 30),
    "changes": Limit(10, 50),  # whatever else is not GET
    "guesses": Limit(1, 20),  # wrong tokens; not requests without any, of pages that somebody left open
}  # fmt: skip


class Limits:
    """`guard` is a middleware; it comes before the one that asks for the token."""

    def __init__(self, clock: Clock) -> None:
        self._of = {kind: Addresses(clock, limit.per_s, limit.at_once) for kind, limit in KINDS.items()}

    @property
    def guard(self) -> Middleware:
        """The middleware that holds these limits."""
        return layer(self._guard)

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        address = request.remote or ""
        if is_loopback(address):
            return await handler(request)
        if self._of["guesses"].spent(address):
            return _refused("guesses", "too many wrong tokens")
        kind = _kind(request)
        if kind and not self._of[kind].take(address):
            return _refused(kind, "too many requests from your address")
        response = await handler(request)
        if response.status == 401 and brings_token(request):
            self._of["guesses"].take(address)
        return response


def _kind(request: web.Request) -> str:
    resource = request.match_info.route.resource
    known = LIMITS.get(f"{request.method} {resource.canonical if resource is not None else ''}")
    return known or ("" if request.method in ("GET", "HEAD") else "changes")


def _refused(kind: str, said: str) -> web.Response:
    return refusal(429, "too_many", f"{said}; try again in a moment", math.ceil(1 / KINDS[kind].per_s))

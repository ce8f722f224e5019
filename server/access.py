"""Who may use the server: token, origin, host; and the headers that keep a browser careful."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from vaidol.server.layers import layer
from vaidol.server.networks import FILES, is_loopback

COOKIE = "vaidol"
PROTOCOL = "vaidol"  # of a WebSocket; beside it one that brings the token, where no header can be set
BRINGS = "vaidol.token."  # and then the token in base64url without padding
COOKIE_S = 30 * 24 * 3600
OPEN_PATHS = ("/health", "/ready")  # for watchdogs of containers; it tells less to those without a token
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; style-src 'self';"
        " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
R = TypeVar("R", bound=web.StreamResponse)


def refusal(status: int, code: str, message: str, retry_s: int | None = None) -> web.Response:
    """An error as JSON."""
    headers = {"Retry-After": str(retry_s)} if retry_s else {}
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)


@dataclass(frozen=True)
class Access:
    """The rules. `token` empty: none is asked for, and then only a loopback name may be called.

    `origins`: pages of these other sites may call it as well, as in `http://localhost:3000`, or `file://`.
    """

    token: str = ""
    origins: tuple[str, ...] = ()

    def known(self, request: web.Request) -> bool:
        """Whether this client may see more than the way in."""
        if not self.token:
            return True
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), self.token):
            return True
        if _same(request.cookies.get(COOKIE, ""), self._cookie) or _same(_brought(request), self.token):
            return True
        address = request.query.get("token", "") if "Upgrade" in request.headers else ""  # it stays in no history
        return _same(address, self.token)

    def shares(self, origin: str) -> bool:
        """Whether pages of `origin` may read files that hold nothing of anybody: models, backgrounds."""
        if origin in self.origins or (origin == "null" and FILES in self.origins):
            return True
        try:
            return is_loopback(urlsplit(origin).hostname or "")
        except ValueError:  # no address at all
            return False

    def share(self, request: web.Request, response: R) -> R:
        """Let such pages read `response`; a picture in a page is asked for without telling whose page it is."""
        response.headers["Vary"] = "Origin"
        origin = request.headers.get("Origin", "")
        shared = self.shares(origin)
        if shared:
            response.headers["Access-Control-Allow-Origin"] = origin
        if shared or (not origin and self.origins):
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @property
    def guard(self) -> Middleware:
        """The middleware that holds these rules."""
        return layer(self._guard)

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self.token and not _loopback(request.host):
            return refusal(403, "host", "without a token this server answers to localhost only")
        changes = request.method not in ("GET", "HEAD") or "Upgrade" in request.headers
        if changes and not (same_origin(request) or request.headers["Origin"] in self.origins):
            return refusal(403, "origin", "pages of other sites may not call this server: see --allow-origin")
        given = request.query.get("token")
        if self.token and given is not None and request.method == "GET" and "Upgrade" not in request.headers:
            return self._welcome(request, given)
        if not self.known(request) and request.path not in OPEN_PATHS:
            return refusal(401, "token", "open the page with ?token=… once, or send Authorization: Bearer …")
        return await handler(request)

    def _welcome(self, request: web.Request, given: str) -> web.StreamResponse:
        """Trade the token in the address for a cookie, so that it does not stay in the history."""
        if not _same(given, self.token):
            return refusal(401, "token", "the token in the address is not the right one")
        rest = request.rel_url.without_query_params("token")  # other options stay, as those of the overlay
        query = f"?{rest.raw_query_string}" if rest.raw_query_string else ""
        response = web.Response(status=303, headers={"Location": f"./{rest.raw_name}{query}"})
        response.set_cookie(
            COOKIE, self._cookie, max_age=COOKIE_S, httponly=True, samesite="Strict", secure=request.secure
        )
        return response

    @property
    def _cookie(self) -> str:
        return hashlib.sha256(b"vaidol cookie " + self.token.encode()).hexdigest()


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Signal handler for `on_response_prepare`."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-cache")


def _loopback(host_header: str) -> bool:
    """Against DNS rebinding: a foreign name that leads here is a foreign page's doing."""
    try:
        return is_loopback(urlsplit(f"//{host_header}").hostname or "")
    except ValueError:
        return False


def same_origin(request: web.Request) -> bool:
    """Whether this is no page of another site. All names of this machine are one, with the same port: the ancestor's
    client calls 127.0.0.1, wherever it was opened."""
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    page, host = _netloc(origin), request.host.lower()
    return page == host or (_loopback(page) and _loopback(host) and _port(page) == _port(host))


def brings_token(request: web.Request) -> bool:
    """Whether any token comes with the request, right or wrong."""
    named = "Authorization" in request.headers or COOKIE in request.cookies or "token" in request.query
    return named or BRINGS in request.headers.get("Sec-WebSocket-Protocol", "")


def _brought(request: web.Request) -> str:
    """The token among the subprotocols that a WebSocket offers, "" for none."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    found = next((one.strip() for one in offered if one.strip().startswith(BRINGS)), BRINGS).removeprefix(BRINGS)
    try:
        return base64.b64decode(found + "=" * (-len(found) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _port(netloc: str) -> int | None:
    try:
        return urlsplit(f"//{netloc}").port
    except ValueError:
        return None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())

"""Who a client of `/client-ws` is, whose earlier conversations it may see: the protocol itself says nothing of it."""

from __future__ import annotations

import secrets

from aiohttp import web

COOKIE = "vaidol-olv"  # a random id, given to browsers with the web client where strangers may come
COOKIE_S = 365 * 24 * 3600
HERE = "olv"  # all clients of a server that only this machine can reach are one user, as with the ancestor
MOST = 200  # characters


def user(request: web.Request, *, alone: bool) -> str:
    """The id under which its conversations are kept; `alone`: nobody else reaches this server.

    A client may name itself: `/client-ws?user=ID`, long, random and kept to itself, as on the page. One that is known
    by nothing is somebody new each time it comes, and sees nobody's conversations.
    """
    named = request.query.get("user", "")[:MOST]
    if named:
        return named
    if alone:
        return HERE
    return f"{HERE}-{request.cookies.get(COOKIE) or secrets.token_urlsafe(18)}"


def remember(request: web.Request, response: web.StreamResponse) -> None:
    """Give the browser an id, if it has none."""
    if not request.cookies.get(COOKIE):
        response.set_cookie(
            COOKIE, secrets.token_urlsafe(18), max_age=COOKIE_S, httponly=True, samesite="Strict", secure=request.secure
        )

"""Watching a session: the overlay page for streams, and the WHEP-style way in for viewers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from vaidol.server import offer
from vaidol.server.access import refusal
from vaidol.server.audience import NoSeat
from vaidol.server.session import SessionEnded

if TYPE_CHECKING:
    from vaidol.server.app import Server

RETRY_S = 2  # a viewer that finds nothing to see looks again after this


class Viewing:
    """`POST /whep?session=ID`: an SDP offer in, 201 with the answer out. Who may see the page may watch."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def join(self, request: web.Request) -> web.Response:
        """POST /whep: watch a session (?session=ID): an SDP offer in, 201 with the answer out."""
        sessions = self._server.sessions
        try:
            wanted = await self._server.offer(request)
        except offer.BadOffer as error:
            return refusal(error.status, error.code, str(error))
        session = sessions.find(request.query.get("session", ""))
        if session is None:
            return refusal(404, "no_session", "there is no such session to watch", RETRY_S)
        if sessions.load.busy:
            return refusal(503, "busy", "this machine has no time for another viewer just now", RETRY_S)
        try:
            resource, answer = await session.admit(wanted)
        except NoSeat as error:
            return refusal(503, "full", str(error), RETRY_S)
        except SessionEnded:
            return refusal(404, "no_session", "the session has just ended", RETRY_S)
        except offer.BadOffer as error:
            return refusal(error.status, error.code, str(error))
        headers = {"Location": f"whip/{resource}"}
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)


def add_routes(router: web.UrlDispatcher, server: Server) -> None:
    router.add_get("/overlay", server.overlay)
    router.add_get("/api/protocol", server.protocol)
    router.add_post("/whep", Viewing(server).join)

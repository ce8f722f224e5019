"""The sessions over REST: list them, look into one, end one.

GET    /api/sessions                        {sessions: [...]}
GET    /api/sessions/{session}              one of them
DELETE /api/sessions/{session}              204: it ends, and its client is told
GET    /api/sessions/{session}/waterfall    where the time of its utterances went
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from vaidol.graph.answers import answers, wait
from vaidol.graph.waterfall import chrome_trace
from vaidol.server.access import refusal
from vaidol.server.pipelines_api import NO_SESSION, graph_of, refuse_strangers
from vaidol.server.running import Running

if TYPE_CHECKING:
    from vaidol.server.app import Server


class SessionsApi:
    """The routes above."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/sessions", self.all)
        router.add_get("/api/sessions/{session}", self.one)
        router.add_delete("/api/sessions/{session}", self.end)
        router.add_get("/api/sessions/{session}/waterfall", self.waterfall)

    async def all(self, _: web.Request) -> web.Response:
        """State and counters of every session."""
        return web.json_response({"sessions": self._server.sessions.report()})

    async def one(self, request: web.Request) -> web.Response:
        """State and counters of one session."""
        session = self._named(request)
        return refusal(404, "no_session", NO_SESSION) if session is None else web.json_response(session.report())

    async def end(self, request: web.Request) -> web.Response:
        """End a session; its client is told."""
        refuse_strangers(self._server, request)
        session = self._named(request)
        if session is None:
            return refusal(404, "no_session", NO_SESSION)
        session.end("ended by the operator")
        return web.Response(status=204)

    async def waterfall(self, request: web.Request) -> web.Response:
        """Where the time of a session's utterances went; ?format=chrome for a trace viewer."""
        graph = graph_of(self._server, request)
        wanted = request.query.get("format", "json")
        if wanted not in ("json", "chrome"):
            return refusal(400, "format", "format is json or chrome")
        if wanted == "chrome":
            waits = {trace: wait(graph, trace) for trace in tuple(graph.marks)}
            return web.json_response(chrome_trace(graph.marks, graph.events, session=graph.session, waits=waits))
        return web.json_response({"session": graph.session, "utterances": answers(graph)})

    def _named(self, request: web.Request) -> Running | None:
        return self._server.sessions.named(request.match_info["session"])

"""REST: read, check, change and roll back the pipeline of a session, or of all new ones.

    GET  /api/sessions/{session}/pipeline     what runs: {session, name, about, revision, yaml, can_go_back, pending}
    PUT  /api/sessions/{session}/pipeline     YAML (any content type but JSON), or a JSON patch of the running one:
                                              {"nodes": {"tts": {"use": "tts.edge", "with": {...}}}, "edges": [...]}
         ?at=frame|turn|now                   when; chosen by what changes when left out
         ?dry_run=1                           only check, and tell what would change
         ?revision=3                          refuse when another revision runs
    POST /api/sessions/{session}/rollback     back to the pipeline before, `at` as above
    GET  /api/sessions/{session}/history      {changes: [change ...]}, oldest first
    GET  /api/pipeline                        what new sessions run: {name, about, yaml}
    PUT  /api/pipeline                        the same for all new sessions; ?running=1 for those under way as well

A change is {revision, diff, at, cause, began_ms, step, outcome, why, took_ms, gap_ms}, its diff {text, added, removed,
replaced: [{node, from, to, settings}], ruled, edges: {added, removed, changed}, at}. A PUT answers when it has taken
effect: 200 with the change; 422 `invalid` with {problems: [{file, line, column, message}]}, or `failed` when a node
would not open: the call is as it was; 409 `busy` with the {change} under way, or `revision`. Secrets are masked as
**********; a masked one sent back means the one that runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from vaidol.graph.diff import MOMENTS, Moment, difference
from vaidol.graph.errors import PipelineError
from vaidol.graph.incoming import SwapFailed
from vaidol.graph.plan import Plan
from vaidol.graph.scheduler import Graph
from vaidol.graph.swap import Busy
from vaidol.graph.written import as_yaml, masked
from vaidol.server.access import refusal
from vaidol.server.bodies import parsed, refused
from vaidol.server.networks import is_loopback

if TYPE_CHECKING:
    from vaidol.server.app import Server

NO_SESSION = "there is no such session, or its nodes are not open yet"


class PipelinesApi:
    """The routes above."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self, router: web.UrlDispatcher) -> None:
        """Add them to `router`."""
        session = "/api/sessions/{session}"
        router.add_get(f"{session}/pipeline", self.read)
        router.add_put(f"{session}/pipeline", self.change)
        router.add_post(f"{session}/rollback", self.rollback)
        router.add_get(f"{session}/history", self.history)
        router.add_get("/api/pipeline", self.read_served)
        router.add_put("/api/pipeline", self.change_served)

    async def read(self, request: web.Request) -> web.Response:
        """The pipeline a session runs, as YAML with its secrets masked."""
        graph = graph_of(self._server, request)
        pending = graph.swaps.current
        return web.json_response(
            {
                "session": graph.session, **_shown(graph.plan), "revision": graph.swaps.revision,
                "can_go_back": graph.swaps.can_go_back, "pending": pending.told() if pending else None,
            }
        )  # fmt: skip

    async def change(self, request: web.Request) -> web.Response:
        """Change the pipeline of a running session; ?dry_run=1 only tells what would happen, ?at=frame, turn or now."""
        refuse_strangers(self._server, request)
        graph = graph_of(self._server, request)
        at = _moment(request)
        wanted = request.query.get("revision")
        if wanted is not None and wanted != str(graph.swaps.revision):
            return refusal(409, "revision", f"revision {graph.swaps.revision} runs, not {wanted}; read it again")
        plan = await self._plan(request, graph.plan)
        if _asked(request, "dry_run"):
            diff = difference(graph.plan, plan)
            return web.json_response({"dry_run": True, "revision": graph.swaps.revision, "diff": diff.told()})
        return await _outcome(graph, lambda: graph.swaps.apply(plan, at))

    async def rollback(self, request: web.Request) -> web.Response:
        """Take back the last change of a session."""
        refuse_strangers(self._server, request)
        graph, at = graph_of(self._server, request), _moment(request)
        return await _outcome(graph, lambda: graph.swaps.rollback(at))

    async def history(self, request: web.Request) -> web.Response:
        """The changes of a session so far."""
        graph = graph_of(self._server, request)
        return web.json_response({"changes": [change.told() for change in graph.swaps.history]})

    async def read_served(self, _: web.Request) -> web.Response:
        """The pipeline that new sessions get."""
        return web.json_response(_shown(self._server.plan))

    async def change_served(self, request: web.Request) -> web.Response:
        """Change the pipeline that new sessions get."""
        server = self._server
        refuse_strangers(server, request)
        at, before = _moment(request), server.plan
        plan = await self._plan(request, before)
        told: dict[str, Any] = {"name": plan.name, "diff": difference(before, plan).told()}
        if _asked(request, "dry_run"):
            return web.json_response({"dry_run": True, **told})
        try:
            sessions = await server.pipelines.change_all(plan, at, running=_asked(request, "running"))
        except SwapFailed as error:
            return refusal(422, "failed", str(error))
        return web.json_response({**told, "sessions": sessions})

    async def _plan(self, request: web.Request, running: Plan) -> Plan:
        """The plan that the body asks for. Raises `web.HTTPException`."""
        try:
            text = (await request.read()).decode()
            edit = parsed(text) if request.content_type == "application/json" else text
        except ValueError as error:
            raise refused(400, "body", f"the body is not UTF-8 YAML, or JSON: {error}") from None
        if not isinstance(edit, str | dict):
            raise refused(400, "body", 'a patch is a JSON object like {"nodes": {"tts": {"use": "tts.edge"}}}')
        try:
            return self._server.pipelines.compiled(edit, running)
        except PipelineError as error:
            problems = [
                {"file": p.place.file, "line": p.place.line, "column": p.place.column, "message": p.message}
                for p in error.problems
            ]
            raise refused(422, "invalid", str(error.problems[0]), beside={"problems": problems}) from None


def graph_of(server: Server, request: web.Request) -> Graph:
    """The running graph of the session that the address names. Raises `web.HTTPNotFound`."""
    wanted = request.match_info["session"]
    graph = next((session.graph for session in server.sessions if session.id == wanted), None)
    if graph is None:
        raise refused(404, "no_session", NO_SESSION)
    return graph


def refuse_strangers(server: Server, request: web.Request) -> None:
    """Changing anything takes the token, or this very machine. Raises `web.HTTPForbidden`."""
    if not server.options.token and not is_loopback(request.remote or ""):
        raise refused(403, "token", "without a token only this machine may change anything")


async def _outcome(graph: Graph, work: Any) -> web.Response:
    try:
        return web.json_response((await work()).told())
    except Busy as error:
        body = {"error": {"code": "busy", "message": str(error)}, "change": error.change.told()}
        return web.json_response(body, status=409)
    except SwapFailed as error:
        return refusal(422, "failed", str(error))


def _shown(plan: Plan) -> dict[str, Any]:
    return {"name": plan.name, "about": plan.about, "yaml": as_yaml(masked(plan))}


def _moment(request: web.Request) -> Moment | None:
    at = request.query.get("at")
    if at is not None and at not in MOMENTS:
        raise refused(400, "at", f"at is {', '.join(MOMENTS)}")
    return at


def _asked(request: web.Request, name: str) -> bool:
    return request.query.get(name, "0").lower() in ("1", "true", "yes")

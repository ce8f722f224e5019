"""The pipelines there are: those that ship with vaidol, and whether each could run here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from vaidol.graph.compiler import compile_plan
from vaidol.graph.errors import PipelineError
from vaidol.graph.registry import Registry
from vaidol.graph.spec import load
from vaidol.server.pipelines import LIBRARY

if TYPE_CHECKING:
    from vaidol.server.app import Server

POOL = "library"  # the thread that compiles them


class Library:
    """`GET /api/pipelines`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._rows: list[dict[str, Any]] = []  # neither the files nor the environment change while the server runs

    async def all(self, _: web.Request) -> web.Response:
        """The pipelines that ship with vaidol, by name: whether each is whole and, if not, what is missing."""
        engine, served = self._server.engine, self._server.plan
        if not self._rows:
            self._rows = await engine.workers.call(POOL, rows, engine.registry)
        return web.json_response({"served": {"name": served.name, "about": served.about}, "pipelines": self._rows})


def rows(kinds: Registry) -> list[dict[str, Any]]:
    """name, about, ok and the first problem of each."""
    return [_row(path, kinds) for path in sorted(LIBRARY.glob("*.yaml"))]


def _row(path: Path, kinds: Registry) -> dict[str, Any]:
    try:
        plan = compile_plan(load(path, library=LIBRARY, partial=True), kinds)
    except PipelineError as error:
        return {"name": path.stem, "about": "", "ok": False, "problem": error.problems[0].message}
    return {"name": path.stem, "about": plan.about, "ok": True, "problem": ""}


def add_routes(router: web.UrlDispatcher, server: Server) -> None:
    router.add_get("/api/pipelines", Library(server).all)

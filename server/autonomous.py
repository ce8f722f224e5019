"""Speech that nobody asked for, by REST: switch it on and off, and tell the avatar what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Protocol, runtime_checkable

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from vaidol.graph.scheduler import Graph
from vaidol.server.access import refusal
from vaidol.server.bodies import read
from vaidol.server.running import Running
from vaidol.server.sessions import Sessions
from vaidol.server.wishes import meant

KIND = "turn.autonomous"


@runtime_checkable
class Speaks(Protocol):
    """What a node that speaks by itself lets others do (`vaidol.nodes.turn.autonomous`)."""

    def switch(self, on: bool) -> None: ...

    def tell(self, prompt: str) -> bool: ...

    def report(self) -> dict[str, object]: ...


class AutonomousWish(BaseModel):
    """Let the avatar speak by itself, or no longer; tell it what to do at the next quiet moment (`prompt`).

    `session`: the id of one; left out: all of them.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    session: str = ""
    active: bool | None = None
    prompt: Annotated[str, Field(max_length=2000)] = ""


class Autonomy:
    """`GET` and `POST /api/autonomous`. 404: no such session; 409: its pipeline has no `turn.autonomous`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def report(self, _: web.Request) -> web.Response:
        """How it stands with speech that nobody asked for, by session."""
        told = {session.id: node.report() for session, node in _nodes(self._sessions)}
        return web.json_response({"sessions": told})

    async def wish(self, request: web.Request) -> web.Response:
        wish = await read(request, AutonomousWish)
        nodes = _nodes(meant(self._sessions, wish.session))
        if not nodes:
            return refusal(409, "no_node", f"no session's pipeline has a node {KIND}")
        told: dict[str, Any] = {}
        for session, node in nodes:
            if wish.active is not None:
                node.switch(wish.active)
            if wish.prompt and not node.tell(wish.prompt):
                return refusal(429, "busy", "too many prompts wait for their moment already", 5)
            told[session.id] = node.report()
        return web.json_response({"sessions": told})


def _nodes(sessions: Iterable[Running]) -> list[tuple[Running, Speaks]]:
    return [(session, node) for session in sessions for node in speakers(session.graph)]


def speakers(graph: Graph | None) -> list[Speaks]:
    """The nodes of a running graph that can be told to speak by themselves."""
    cells = graph.cells.values() if graph is not None else ()
    return [cell.node for cell in cells if cell.running.kind == KIND and isinstance(cell.node, Speaks)]


def add_routes(router: web.UrlDispatcher, sessions: Sessions) -> None:
    autonomy = Autonomy(sessions)
    router.add_get("/api/autonomous", autonomy.report)
    router.add_post("/api/autonomous", autonomy.wish)

"""Exactly these words, by REST: the avatar says them as a reply of its own."""

from __future__ import annotations

from typing import Annotated, Protocol, runtime_checkable

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from vaidol.server.access import refusal
from vaidol.server.bodies import read
from vaidol.server.running import Running
from vaidol.server.sessions import Sessions
from vaidol.server.wishes import meant


@runtime_checkable
class Says(Protocol):
    """A node that can be told what to say (the agents)."""

    def say(self, text: str) -> int: ...


class SayWish(BaseModel):
    """Let the avatar say exactly this, as a reply of its own: it ends what is being said, can be interrupted, and is
    remembered as far as it was heard. Tags such as [joy] move the avatar and are not spoken.

    `session`: the id of one; left out: all of them.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, str_strip_whitespace=True)

    text: Annotated[str, Field(min_length=1, max_length=4000)]
    session: str = ""


class Saying:
    """`POST /api/say`. 404: no such session; 409: its pipeline has no agent, so that nobody could remember it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def wish(self, request: web.Request) -> web.Response:
        wish = await read(request, SayWish)
        those = meant(self._sessions, wish.session)
        sayers = [(session, node) for session in those if (node := _sayer(session)) is not None]
        if not sayers:
            return refusal(409, "no_agent", "no node that could say it: the pipeline has no agent, or is not open yet")
        return web.json_response({"sessions": {session.id: {"turn": node.say(wish.text)} for session, node in sayers}})


def _sayer(session: Running) -> Says | None:
    """The first node of its pipeline that can be told what to say."""
    cells = session.graph.cells.values() if session.graph is not None else ()
    return next((cell.node for cell in cells if isinstance(cell.node, Says)), None)


def add_routes(router: web.UrlDispatcher, sessions: Sessions) -> None:
    router.add_post("/api/say", Saying(sessions).wish)

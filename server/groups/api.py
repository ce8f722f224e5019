"""Groups by REST: rooms of sessions whose characters talk with each other.

GET    /api/groups                              {groups: [...]}
POST   /api/groups                              {session, person, character, order, rounds, interrupt} -> the group
GET    /api/groups/{group}                      the group
DELETE /api/groups/{group}                      dissolve it
POST   /api/groups/{group}/members              {session, person, character}: invite
DELETE /api/groups/{group}/members/{session}    leave, or be sent away
POST   /api/groups/{group}/mute                 {session, on}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent._persona import load_persona
from vaidol.server.access import refusal
from vaidol.server.bodies import read, unknown
from vaidol.server.groups.groups import Groups
from vaidol.server.groups.members import RoomError, Rules
from vaidol.server.groups.seat import Guest
from vaidol.server.personas import current
from vaidol.server.pipelines_api import refuse_strangers
from vaidol.server.running import Running

if TYPE_CHECKING:
    from vaidol.server.app import Server

STATUS = {"no_group": 404, "no_member": 404, "member": 409, "full": 409}
PERSON = "Guest"  # who gives no name
Name = Annotated[str, Field(max_length=60, pattern=r"^[^\n\r:]*$")]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class GroupMember(_Body):
    """Invite a session; `person` and `character` are the names by which the others know them."""

    session: Annotated[str, Field(min_length=1, max_length=200)]
    person: Name = ""
    character: Name = ""


class NewGroup(GroupMember):
    """Open a group, owned by `session`; `order`: round = in turn, named = only who is addressed; `interrupt`: whose
    voice interrupts a character, own = its own person's."""

    order: Literal["round", "named"] = "round"
    rounds: Annotated[int, Field(ge=0, le=20)] = 2
    interrupt: Literal["own", "anyone"] = "own"


class GroupMute(_Body):
    """Let a member's character hear without speaking, or speak again."""

    session: str
    on: bool = True


class GroupsApi:
    """The routes above."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._groups: Groups = server.groups

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/groups", self.all)
        router.add_post("/api/groups", self.create)
        router.add_get("/api/groups/{group}", self.one)
        router.add_delete("/api/groups/{group}", self.dissolve)
        router.add_post("/api/groups/{group}/members", self.invite)
        router.add_delete("/api/groups/{group}/members/{session}", self.leave)
        router.add_post("/api/groups/{group}/mute", self.mute)

    def attend(self, session: Running, graph: Graph) -> Callable[[], None]:
        """Let a session that ends leave its group."""
        return lambda: self._groups.gone(session.id)

    async def all(self, _: web.Request) -> web.Response:
        """The groups there are."""
        return web.json_response({"groups": [self._groups.report(id) for id, _ in self._groups]})

    async def one(self, request: web.Request) -> web.Response:
        """A group: its members, who owns it, whose character speaks."""
        return self._told(request.match_info["group"], lambda: None)

    async def create(self, request: web.Request) -> web.Response:
        refuse_strangers(self._server, request)
        wish = await read(request, NewGroup)
        guest = self._guest(wish.session)
        try:
            rules = Rules(wish.order, wish.rounds, wish.interrupt)
            id = self._groups.create(guest, wish.person or PERSON, wish.character or title(guest), rules)
        except RoomError as error:
            return _refused(error)
        return web.json_response(self._groups.report(id))

    async def invite(self, request: web.Request) -> web.Response:
        refuse_strangers(self._server, request)
        wish, id = await read(request, GroupMember), request.match_info["group"]
        guest = self._guest(wish.session)
        names = (wish.person or PERSON, wish.character or title(guest))
        return self._told(id, lambda: self._groups.invite(id, guest, *names))

    async def leave(self, request: web.Request) -> web.Response:
        """Take a session out of a group; one who is left alone is in no group any more."""
        refuse_strangers(self._server, request)
        id, session = request.match_info["group"], request.match_info["session"]
        try:
            if session not in self._groups.room(id).members:
                raise RoomError("no_member", f"session '{session}' is not in group '{id}'")
            self._groups.leave(session)
        except RoomError as error:
            return _refused(error)
        return web.json_response({"left": session, "dissolved": id not in self._groups.rooms})

    async def mute(self, request: web.Request) -> web.Response:
        refuse_strangers(self._server, request)
        wish, id = await read(request, GroupMute), request.match_info["group"]
        return self._told(id, lambda: self._groups.room(id).mute(wish.session, wish.on))

    async def dissolve(self, request: web.Request) -> web.Response:
        """Dissolve a group; its sessions go on, each for itself."""
        refuse_strangers(self._server, request)
        id = request.match_info["group"]
        try:
            self._groups.dissolve(id)
        except RoomError as error:
            return _refused(error)
        return web.json_response({"dissolved": True})

    def _told(self, id: str, act: Callable[[], None]) -> web.Response:
        try:
            act()
            return web.json_response(self._groups.report(id))
        except RoomError as error:
            return _refused(error)

    def _guest(self, name: str) -> Guest:
        """The session `name`. Raises 404."""
        guest = self._server.sessions.named(name)
        if guest is None or guest.graph is None:
            known = [session.id for session in self._server.sessions]
            raise unknown("no_session", f"there is no session '{name}' whose nodes are open", known)
        return guest


def _refused(error: RoomError) -> web.Response:
    return refusal(STATUS.get(error.code, 409), error.code, str(error))


def title(guest: Guest) -> str:
    """The name of a session's character."""
    name = current(guest.graph.plan) if guest.graph is not None else ""
    try:
        return load_persona(name).name if name else "Vai"
    except ValueError:  # its file is gone, or broken since; what speaks goes on
        return "Vai"

"""Groups as a page has them: its person opens one, joins by an invitation, and is told what happens there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from vaidol.graph.scheduler import Graph
from vaidol.nodes.webrtc._call import Message
from vaidol.server import protocol
from vaidol.server.groups.api import PERSON, title
from vaidol.server.groups.groups import Groups
from vaidol.server.groups.members import RoomError, Rules
from vaidol.server.running import Running

RULES = Rules()


class PageGroups:
    """Between the sessions' data channels and the server's groups."""

    def __init__(self, groups: Groups, sessions: Iterable[Running]) -> None:
        self._groups = groups
        self._sessions = sessions
        self._told: dict[str, dict[str, Any]] = {}  # by session
        groups.moved.add(self._tell)
        groups.news.add(lambda id: self._tell(groups.rooms[id].members))

    def attend(self, session: Running, graph: Graph) -> Callable[[], None]:
        """Let the person of a call open and join groups; returns what ends it."""
        stack = ExitStack()
        stack.callback(session.on_message(lambda message: self._take(session, message)))
        stack.callback(session.on_join(lambda: session.confide(self._state(session.id))))
        stack.callback(lambda: self._told.pop(session.id, None))
        return stack.close

    def _take(self, session: Running, message: Message) -> None:
        if message["t"] != "group":
            return
        try:
            self._do(session, message)
        except RoomError as error:
            session.confide(protocol.error("group", str(error)))

    def _do(self, session: Running, wish: Message) -> None:
        """Raises `RoomError`."""
        names = (wish["person"].strip() or PERSON, title(session))
        deed = wish["do"]
        if deed == "open":
            self._groups.create(session, *names)
        elif deed == "join":
            self._groups.invite(self._groups.invited(wish["code"]), session, *names)
        elif deed == "leave":
            self._groups.leave(session.id)
        elif deed == "mute":
            self._mine(session, or_of=wish["member"]).mute(wish["member"], wish["on"])
        elif deed == "remove":
            room = self._mine(session)
            if wish["member"] not in room.members:
                raise RoomError("no_member", "nobody of that name is in this room")
            self._groups.leave(wish["member"])
        elif deed == "rules":
            self._mine(session).rule(Rules(wish["order"], wish["rounds"], wish["interrupt"]))
        else:
            self._mine(session)
            self._groups.dissolve(self._groups.of(session.id))

    def _mine(self, session: Running, *, or_of: str = "") -> Any:
        """The room that the session owns, or is a member `or_of`. Raises `RoomError`."""
        room = self._groups.room(self._groups.of(session.id))
        if session.id not in (room.owner, or_of):
            raise RoomError("owner", "only who opened the room may do that")
        return room

    def _tell(self, ids: Iterable[str]) -> None:
        wanted = set(ids)
        for session in self._sessions:
            if session.id in wanted and (state := self._state(session.id)) != self._told.get(session.id):
                self._told[session.id] = state
                session.confide(state)

    def _state(self, session: str) -> dict[str, Any]:
        id = self._groups.of(session)
        if not id:
            return {
                "t": "group", "code": "", "you": session, "owner": "", "speaks": "", "order": RULES.order,
                "rounds": RULES.rounds, "interrupt": RULES.interrupt, "members": [],
            }  # fmt: skip
        told = self._groups.report(id)
        members = [{**one, "id": one["session"]} for one in told["members"]]
        shown = ("id", "person", "character", "muted", "talks")
        return {
            "t": "group", "code": told["code"], "you": session, "owner": told["owner"], "speaks": told["speaks"],
            "order": told["order"], "rounds": told["rounds"], "interrupt": told["interrupt"],
            "members": [{key: one[key] for key in shown} for one in members],
        }  # fmt: skip

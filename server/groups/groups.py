"""All rooms of a server: a session is in one of them at most, and leaves it when it ends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

from vaidol.graph.clock import Clock
from vaidol.server.groups.members import RoomError, Rules
from vaidol.server.groups.mix import Mix
from vaidol.server.groups.room import Room
from vaidol.server.groups.seat import Guest, GuestSeat
from vaidol.server.listeners import Listeners

MOST_ROOMS = 64
ALONE = 2  # a room with fewer members than this is dissolved when one has left
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # of invitations; none looks like another
CODE = 8  # of them: 10^11 invitations


class Groups:
    """Rooms by id. `moved` tells the sessions whose room is another than before, `news` a room in which something else
    has changed."""

    def __init__(self, clock: Clock) -> None:
        self.rooms: dict[str, Room] = {}
        self.moved: Listeners[list[str]] = Listeners()
        self.news: Listeners[str] = Listeners()
        self._clock = clock
        self._seats: dict[str, GuestSeat] = {}  # by session
        self._mixes: dict[str, Mix] = {}  # by room
        self._codes: dict[str, str] = {}  # room by invitation

    def __iter__(self) -> Iterator[tuple[str, Room]]:
        return iter(tuple(self.rooms.items()))

    def of(self, session: str) -> str:
        """The id of the room that a session is in, "" = none."""
        return next((id for id, room in self.rooms.items() if session in room.members), "")

    def room(self, id: str) -> Room:
        """Raises `RoomError`."""
        if id not in self.rooms:
            raise RoomError("no_group", f"there is no group '{id}'")
        return self.rooms[id]

    def invited(self, code: str) -> str:
        """The id of the room to which `code` invites. Raises `RoomError`."""
        plain = "".join(letter for letter in code.upper() if letter.isalnum())
        if plain not in self._codes:
            raise RoomError("no_group", "this invitation is not, or no longer, good for a room")
        return self._codes[plain]

    def code(self, id: str) -> str:
        """The invitation to a room."""
        return next((code for code, room in self._codes.items() if room == id), "")

    def create(self, owner: Guest, person: str, character: str, rules: Rules | None = None) -> str:
        """Open a room. Returns its id. Raises `RoomError`."""
        if len(self.rooms) >= MOST_ROOMS:
            raise RoomError("full", f"there are {MOST_ROOMS} groups already; dissolve one first")
        self._is_free(owner.id)
        id = secrets.token_hex(4)
        self.rooms[id] = Room(self._clock, rules, partial(self.news.tell, id))
        self._codes["".join(secrets.choice(LETTERS) for _ in range(CODE))] = id
        self.invite(id, owner, person, character)
        return id

    def invite(self, id: str, guest: Guest, person: str, character: str) -> None:
        """Let a session into a room. Raises `RoomError`."""
        room = self.room(id)
        self._is_free(guest.id)
        seat = GuestSeat(room, guest, self._mixes.setdefault(id, Mix()))
        try:
            room.join(guest.id, person, character, seat)
        except RoomError:
            seat.leave()
            raise
        self._seats[guest.id] = seat
        self.moved.tell(list(room.members))

    def leave(self, session: str) -> None:
        """A session goes from the room it is in; one who is left alone is in no room. Raises `RoomError`."""
        id = self.of(session)
        if not id:
            raise RoomError("no_member", f"session '{session}' is in no group")
        room = self.rooms[id]
        room.leave(session)
        self._seats.pop(session).leave()
        self.moved.tell([session, *room.members])
        if len(room.members) < ALONE:
            self.dissolve(id)

    def dissolve(self, id: str) -> None:
        """Raises `RoomError`."""
        room = self.room(id)
        members = list(room.members)
        for session in members:
            self._seats.pop(session).leave()
        room.close()
        del self.rooms[id], self._mixes[id], self._codes[self.code(id)]
        self.moved.tell(members)

    def gone(self, session: str) -> None:
        """A session has ended."""
        if self.of(session):
            self.leave(session)

    def report(self, id: str) -> dict[str, Any]:
        """What REST tells of a room. Raises `RoomError`."""
        room = self.room(id)
        members = [
            {
                "session": one.id, "person": one.person, "character": one.character, "muted": one.muted,
                "talks": one.since is not None, "unheard": len(one.unheard),
            }
            for one in room.members.values()
        ]  # fmt: skip
        return {
            "id": id, "code": self.code(id), "owner": room.owner, "speaks": room.floor, "order": room.rules.order,
            "rounds": room.rules.rounds, "interrupt": room.rules.interrupt, "turns_left": room.left, "members": members,
        }  # fmt: skip

    def _is_free(self, session: str) -> None:
        if id := self.of(session):
            raise RoomError("member", f"session '{session}' is in group '{id}' already; it must leave that first")

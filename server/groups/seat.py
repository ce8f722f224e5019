"""A session as a member of a room: what its page is told tells what was said; messages to its graph make it speak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from vaidol.graph.scheduler import Graph
from vaidol.nodes.webrtc._call import Message
from vaidol.server.groups.mix import Mix
from vaidol.server.groups.room import Line, Room
from vaidol.server.listeners import Listeners

GO_ON = "It is your turn to say something about what was said last."
HINT = (
    "You are in a room with {others}. Keep to one or two sentences; if you have nothing to add, answer only with: ..."
)


class Guest(Protocol):
    """A session of either kind, as rooms see it."""

    @property
    def id(self) -> str: ...

    @property
    def graph(self) -> Graph | None: ...

    @property
    def sent(self) -> Listeners[Message]: ...

    def on_message(self, take: Callable[[Message], None]) -> Callable[[], None]: ...

    def command(self, message: Message) -> bool: ...

    def send(self, message: Message, *, fast: bool = False) -> None: ...

    def enter(self, mix: Mix) -> Callable[[], None]:
        """Hear, and be heard in, a room, until the returned function is called."""


class GuestSeat:
    """Implements `vaidol.server.groups.room.Seat` for a session; `leave` lets go of it."""

    def __init__(self, room: Room, guest: Guest, mix: Mix) -> None:
        self._room = room
        self._guest = guest
        self._said: list[str] = []  # sentences of the reply that sounds
        self._met: set[str] = set()  # the others when the character was last told of them
        self._stops = (guest.sent.add(self._sent), guest.on_message(self._asked), guest.enter(mix))

    def leave(self) -> None:
        """The session is its own again."""
        for stop in self._stops:
            stop()

    def ready(self) -> bool:
        graph = self._guest.graph
        return graph is not None and not graph.fence.turns

    def give(self, lines: tuple[Line, ...]) -> None:
        text = "\n".join(f"{line.who}: {line.text}" for line in lines)
        aside = not text
        others = [
            f"{one.person} and {one.character}" for one in self._room.members.values() if one.id != self._guest.id
        ]
        if set(others) != self._met:
            self._met = set(others)
            text = f"({HINT.format(others=', '.join(others))})\n{text or GO_ON}"
        self._guest.command({"t": "room", "text": text or GO_ON, "aside": aside})

    def hush(self) -> None:
        self._guest.command({"t": "interrupt", "by": "room"})

    def show(self, line: Line) -> None:
        self._guest.send({"t": "other", "name": line.who, "text": line.text})

    def _asked(self, message: Message) -> None:
        """Follow what the person asks for: who stops their own character stops the one that speaks."""
        if message["t"] == "interrupt" and "by" not in message and self._guest.id in self._room.members:
            self._room.stop(self._guest.id)

    def _sent(self, message: Message) -> None:
        """Follow the conversation by what the page is told of it."""
        kind, id = message["t"], self._guest.id
        if id not in self._room.members:
            return
        if kind == "subtitle" and message["who"] == "user" and message["final"]:
            self._room.person_said(id, message["text"])
        elif kind == "subtitle" and message["who"] == "avatar":
            self._said.append(message["text"])
            self._room.sentence(id, message["text"])
        elif kind == "cut":
            self._over(message["heard"], interrupted=True)
        elif kind == "turn" and message["status"] != "cut":  # after one that was cut comes what was heard of it
            self._over(" ".join(self._said), interrupted=False)

    def _over(self, text: str, *, interrupted: bool) -> None:
        self._said.clear()
        self._room.turn_over(self._guest.id, text, interrupted=interrupted)

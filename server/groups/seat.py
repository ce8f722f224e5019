"""A session as a member of a room: what its page is told tells what was said; messages to its graph make it speak."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Protocol

from vaidol.graph.events import Event
from vaidol.graph.frames import Frame, Speech
from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent._chat import GREETING, TOLD
from vaidol.nodes.turn.autonomous import AUTONOMOUS
from vaidol.nodes.turn.touch import TOUCHES
from vaidol.nodes.webrtc._call import Message
from vaidol.nodes.webrtc.data import ROOM
from vaidol.server.groups import hints
from vaidol.server.groups.members import Line
from vaidol.server.groups.mix import Mix
from vaidol.server.groups.room import Room
from vaidol.server.listeners import Listeners

OWN_ACCORD = min(TOUCHES, GREETING, AUTONOMOUS, TOLD)  # utterances from here on up to ROOM nobody in the room asked for


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

    def confide(self, message: Message) -> None:
        """Tell the client's own page, and no viewer."""

    def enter(self, mix: Mix) -> Callable[[], None]:
        """Hear, and be heard in, a room, until the returned function is called."""


class GuestSeat:
    """Implements `vaidol.server.groups.members.Seat` for a session; `leave` lets go of it."""

    def __init__(self, room: Room, guest: Guest, mix: Mix) -> None:
        self._room = room
        self._guest = guest
        self._said: list[str] = []  # sentences of the reply that sounds
        self._met: list[tuple[str, str]] = []  # the others when the character was last told of them
        self._voices: set[str] = set()  # nodes that say that the person speaks
        self._stops = ExitStack()
        for stop in (guest.sent.add(self._sent), guest.on_message(self._asked), guest.enter(mix)):
            self._stops.callback(stop)
        if guest.graph is not None:
            self._listen(guest.graph)

    def leave(self) -> None:
        """The session is its own again."""
        self._stops.close()

    def ready(self) -> bool:
        graph = self._guest.graph
        return graph is not None and not graph.fence.turns

    def give(self, lines: tuple[Line, ...]) -> None:
        graph = self._guest.graph
        if graph is None:  # not while it is `ready`
            return
        text = "\n".join(f"{line.who}: {line.text}" for line in lines)
        aside = not text
        text = text or hints.go_on(graph.plan)
        others = [(one.person, one.character) for one in self._room.members.values() if one.id != self._guest.id]
        if others != self._met:
            self._met = others
            text = f"({hints.told(graph.plan, others)})\n{text}"
        self._guest.command({"t": "room", "text": text, "aside": aside})

    def hush(self) -> None:
        self._guest.command({"t": "interrupt", "by": "room"})

    def show(self, line: Line) -> None:
        self._guest.send({"t": "other", "name": line.who, "text": line.text})

    def meet(self, names: tuple[str, ...]) -> None:
        if graph := self._guest.graph:
            graph.events.publish("names", text=", ".join(names))
        if not names:
            self.others(False, person=False)

    def others(self, active: bool, *, person: bool) -> None:
        if graph := self._guest.graph:
            graph.fence.elsewhere = active
            graph.events.publish("others", value=float(active), code="person" if person else "")

    def _listen(self, graph: Graph) -> None:
        """Follow when the person's voice is heard, and when the character begins to speak by itself."""
        self._stops.callback(graph.events.listen(self._event))
        heard = {f"{edge.source}.{edge.source_port}": edge.name for edge in graph.plan.edges if edge.frame is Speech}
        for source, edge in heard.items():
            self._stops.callback(graph.tap(edge, partial(self._voice, source)))

    def _voice(self, source: str, frame: Frame) -> None:
        if isinstance(frame, Speech) and self._guest.id in self._room.members:
            before = bool(self._voices)
            (self._voices.add if frame.active else self._voices.discard)(source)
            if bool(self._voices) != before:
                self._room.person_speaks(self._guest.id, not before)

    def _event(self, event: Event) -> None:
        if event.name == "turn_begin" and OWN_ACCORD <= event.trace < ROOM and self._guest.id in self._room.members:
            self._room.begins(self._guest.id)

    def _asked(self, message: Message) -> None:
        """Follow what the person asks for: who stops their own character stops the one that speaks."""
        if message["t"] == "interrupt" and "by" not in message and self._guest.id in self._room.members:
            self._room.stop(self._guest.id)

    def _sent(self, message: Message) -> None:
        """Follow the conversation by what the page is told of it."""
        kind, id = message["t"], self._guest.id
        if id not in self._room.members:
            return
        if kind == "subtitle" and message["who"] == "user":
            if message["final"]:
                self._room.person_said(id, message["text"])
            else:
                self._room.person_goes_on(id)
        elif kind == "subtitle" and message["who"] == "avatar":
            self._said.append(message["text"])
            self._room.sentence(id, message["text"])
        elif kind == "persona" and message["title"]:
            self._room.rename(id, message["title"])
        elif kind == "cut":
            self._over(message["heard"], interrupted=True)
        elif kind == "turn" and message["status"] != "cut":  # after one that was cut comes what was heard of it
            self._over(" ".join(self._said), interrupted=False)

    def _over(self, text: str, *, interrupted: bool) -> None:
        self._said.clear()
        self._room.turn_over(self._guest.id, text, interrupted=interrupted)

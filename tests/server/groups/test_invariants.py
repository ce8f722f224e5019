"""A thousand random comings, goings and words keep a server's groups in order, and lose nothing that was said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from vaidol.graph.clock import Clock, VirtualLoop
from vaidol.graph.events import EventLog
from vaidol.nodes.turn.autonomous import AUTONOMOUS
from vaidol.nodes.webrtc._call import Message
from vaidol.server.groups.groups import Groups
from vaidol.server.groups.members import MOST_LINES, RoomError, Rules
from vaidol.server.groups.mix import Mix
from vaidol.server.listeners import Listeners

IDS = [f"s{n}" for n in range(6)]


class Fence:
    turns: tuple[int, ...] = ()
    elsewhere = False


class Plan:
    edges: tuple[()] = ()
    nodes: tuple[()] = ()


class Graph:
    plan = Plan()

    def __init__(self, clock: Clock) -> None:
        self.fence = Fence()
        self.events = EventLog(clock)


class Guest:
    """A session whose character says what it heard; like a real one, it tells of a cut before `command` returns."""

    def __init__(self, id: str, clock: Clock) -> None:
        self.id = id
        self.graph: Any = Graph(clock)
        self.sent: Listeners[Message] = Listeners()
        self.told: Listeners[Message] = Listeners()
        self.shown: list[str] = []
        self.heard = ""

    def on_message(self, take: Callable[[Message], None]) -> Callable[[], None]:
        return self.told.add(take)

    def command(self, message: Message) -> bool:
        if message["t"] == "room":
            self.heard += message["text"] + "\n"
            self.begin()
        elif self.graph.fence.turns:
            self.graph.fence.turns = ()
            self.sent.tell({"t": "turn", "turn": 1, "status": "cut"})
            self.sent.tell({"t": "cut", "turn": 1, "heard": "", "at": 0})
        self.told.tell(message)
        return True

    def enter(self, mix: Mix) -> Callable[[], None]:
        return mix.place(lambda samples, pts: None).leave

    def send(self, message: Message, *, fast: bool = False) -> None:
        self.shown.append(f"{message['name']}: {message['text']}")

    def confide(self, message: Message) -> None:
        """Has no page."""

    def begin(self, trace: int = 0) -> None:
        assert not self.graph.fence.turns, "a character was made to speak while it speaks"
        self.graph.fence.turns = (1,)
        self.graph.events.publish("turn_begin", trace=trace)

    def say(self, text: str) -> None:
        """The person says something: what the character says is cut first, as in a real call."""
        self.command({"t": "interrupt", "by": "speech"})
        self.begin()
        self.sent.tell({"t": "subtitle", "who": "user", "turn": 1, "text": text, "final": True})

    def finish(self, text: str) -> None:
        if self.graph.fence.turns:
            self.sent.tell({"t": "subtitle", "who": "avatar", "turn": 1, "text": text, "final": True})
        if self.graph.fence.turns:
            self.graph.fence.turns = ()
            self.sent.tell({"t": "turn", "turn": 1, "status": "done"})


class Rooms(RuleBasedStateMachine):
    ids = st.sampled_from(IDS)

    @initialize()
    def begin(self) -> None:
        self.loop = VirtualLoop()
        clock = Clock(self.loop)
        self.groups = Groups(clock)
        self.sessions = {id: Guest(id, clock) for id in IDS}
        self.said = 0
        self.came_speaking: set[str] = set()  # a character that comes in while it speaks has its say
        self.groups.create(self.sessions["s0"], "Anna", "Ada", Rules("round", 3))
        for id in IDS[1:4]:
            self.groups.invite(self.room("s0"), self.sessions[id], "Anna", "Ada")
        self.owed: dict[tuple[str, str], str] = {}  # (session, words) -> the room they were said in

    def teardown(self) -> None:
        self.loop.close()

    def tried(self, act: Any, *arguments: Any) -> bool:
        try:
            act(*arguments)
        except RoomError:
            return False
        return True

    def room(self, id: str) -> str:
        return self.groups.of(id)

    @rule(id=ids, order=st.sampled_from(["round", "named"]), rounds=st.integers(0, 3))
    def create(self, id: str, order: Any, rounds: int) -> None:
        was = self.room(id)
        if not was and self.sessions[id].graph.fence.turns:
            self.came_speaking.add(id)
        assert self.tried(self.groups.create, self.sessions[id], "Anna", "Ada", Rules(order, rounds)) == (not was)

    @rule(by=ids, id=ids)
    def invite(self, by: str, id: str) -> None:
        free, room = not self.room(id), self.room(by)
        if free and self.sessions[id].graph.fence.turns:
            self.came_speaking.add(id)
        assert self.tried(self.groups.invite, room, self.sessions[id], "Anna", "Ada") == (free and bool(room))

    @rule(id=ids)
    def leave(self, id: str) -> None:
        room, was = self.room(id), self.groups.rooms.get(self.room(id))
        others = [one for one in was.members if one != id] if was else []
        owner = was.owner if was else ""
        assert self.tried(self.groups.leave, id) == bool(room)
        self.owed = {key: where for key, where in self.owed.items() if key[0] != id}
        if len(others) >= 2:
            assert self.groups.rooms[room].owner == (owner if owner != id else others[0])
        else:
            assert room not in self.groups.rooms

    @rule(id=ids)
    def dissolve(self, id: str) -> None:
        if room := self.room(id):
            self.groups.dissolve(room)

    @rule(id=ids, on=st.booleans())
    def mute(self, id: str, on: bool) -> None:
        if room := self.room(id):
            self.groups.rooms[room].mute(id, on)
            assert not on or self.groups.rooms[room].floor != id

    @rule(id=ids, name=st.sampled_from(["", "Ada, ", "Ada 2, ", "Ada 3 and Ada, "]))
    def say(self, id: str, name: str) -> None:
        self.said += 1
        text = f"{name}words {self.said}."
        self.sessions[id].say(text)
        if room := self.room(id):
            members = self.groups.rooms[room].members
            for other in members:
                if other != id:
                    assert self.sessions[other].shown[-1] == f"{members[id].person}: {text}"
                    self.owed[other, text] = room

    @rule(text=st.sampled_from(["I see.", "...", "And Ada 2?", "Ada?"]), seconds=st.sampled_from([0.1, 0.7, 5.0]))
    def finish(self, text: str, seconds: float) -> None:
        for guest in self.sessions.values():
            guest.finish(text)
        self.wait(seconds)

    @rule(id=ids)
    def begin_by_itself(self, id: str) -> None:
        guest = self.sessions[id]
        if not guest.graph.fence.turns and not guest.graph.fence.elsewhere:
            guest.begin(AUTONOMOUS + 1)
            if room := self.room(id):
                assert self.groups.rooms[room].floor == id

    @rule(id=ids, on=st.booleans())
    def speak(self, id: str, on: bool) -> None:
        if room := self.room(id):
            self.groups.rooms[room].person_speaks(id, on)

    @rule(id=ids)
    def stop(self, id: str) -> None:
        self.sessions[id].command({"t": "interrupt"})
        if room := self.room(id):
            assert self.groups.rooms[room].floor == ""
            assert self.groups.rooms[room].left == 0

    @rule(seconds=st.sampled_from([0.7, 130.0]))
    def wait(self, seconds: float) -> None:
        async def sleep() -> None:
            await asyncio.sleep(seconds)

        self.loop.run_until_complete(sleep())

    @invariant()
    def in_order(self) -> None:
        rooms = self.groups.rooms
        members = [id for room in rooms.values() for id in room.members]
        assert len(members) == len(set(members)), "a session is in two rooms"
        assert set(members) == set(self.groups._seats)
        assert all(len(guest.sent) == len(guest.told) == (id in members) for id, guest in self.sessions.items())
        for room in rooms.values():
            assert room.owner in room.members
            assert room.floor == "" or (room.floor in room.members and not room.members[room.floor].muted)
            names = [name.casefold() for one in room.members.values() for name in (one.person, one.character)]
            assert len(names) == len(set(names))
            assert 0 <= room.left <= room.rules.rounds * len(IDS)
            assert all(len(one.unheard) <= MOST_LINES for one in room.members.values())
            assert set(room._asked) <= set(room.members)
            assert len(room._asked) == len(set(room._asked))

    @invariant()
    def one_at_a_time(self) -> None:
        for id, guest in self.sessions.items():
            room = self.groups.rooms.get(self.room(id))
            assert room or not guest.graph.fence.elsewhere
            if room and room.floor not in ("", id):
                assert guest.graph.fence.elsewhere
                assert not guest.graph.fence.turns or id in self.came_speaking
            elif not guest.graph.fence.turns:
                self.came_speaking.discard(id)

    @invariant()
    def nothing_is_lost(self) -> None:
        self.owed = {key: room for key, room in self.owed.items() if self.room(key[0]) == room}
        for (id, text), room in self.owed.items():
            waits = [line.text for line in self.groups.rooms[room].members[id].unheard].count(text)
            assert waits + self.sessions[id].heard.count(f": {text}\n") == 1


TestRooms = Rooms.TestCase
TestRooms.settings = settings(
    max_examples=100, stateful_step_count=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip

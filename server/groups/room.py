"""A room of people, each with a character of their own: who hears what, and whose character speaks next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vaidol.graph.clock import Clock
from vaidol.server.groups.members import (
    MOST_MEMBERS,
    Line,
    Member,
    RoomError,
    Rules,
    Seat,
    free_name,
    named,
    says_something,
)

PAUSE_S = 0.6  # between two characters, and until it is looked again whether one can speak
BUSY = 20  # such looks; a character that cannot speak by then is passed over
TURN_S = 120.0  # for one turn; a character whose turn has no end by then loses the floor
MONOLOGUE_S = 30.0  # who "speaks" longer without a pause is a noise: nobody waits for it any more


class Room:
    """At most one character has the floor (`floor`); who speaks meanwhile is heard later, and nothing is lost.

    After each thing a person says the characters may take `rounds` turns each, shared; who spoke longest ago comes
    first. The talk rests sooner when none has anything new to hear, and at once when a person interrupts.
    """

    def __init__(self, clock: Clock, rules: Rules | None = None, changed: Callable[[], None] = lambda: None) -> None:
        self.rules = rules or Rules()
        self.changed = changed  # called when the people should see something new
        self.members: dict[str, Member] = {}  # by id, in the order in which they came
        self.owner = ""
        self.floor = ""  # the member whose character speaks, "" = none
        self.left = 0  # turns that the characters may still take
        self._clock = clock
        self._asked: list[str] = []  # members whose characters a person waits for
        self._called = ""  # the member whose character another character has named
        self._last = ""  # who had the floor before
        self._busy = 0
        self._turns = 0
        self._timer: asyncio.TimerHandle | None = None

    # members

    def join(self, id: str, person: str, character: str, seat: Seat) -> Member:
        """Somebody comes in, the owner first. A name that is taken gets a number. Raises `RoomError`."""
        if id in self.members:
            raise RoomError("member", f"'{id}' is a member of this room already")
        if len(self.members) >= MOST_MEMBERS:
            raise RoomError("full", f"a room has {MOST_MEMBERS} members at most")
        person = free_name(self.members.values(), person)
        member = Member(id, person, free_name(self.members.values(), character, person), seat)
        self.members[id] = member
        self.owner = self.owner or id
        self._meet()
        return member

    def leave(self, id: str) -> None:
        """Somebody goes. The oldest member owns what its owner has left. Raises `RoomError`."""
        member = self._member(id)
        if self.floor == id:
            self._release()
            member.seat.hush()
        del self.members[id]
        member.seat.meet(())
        self._asked = [one for one in self._asked if one != id]
        if self._called == id:
            self._called = ""
        if self.owner == id:
            self.owner = next(iter(self.members), "")
        self._meet()

    def mute(self, id: str, on: bool) -> None:
        """Let a character speak no longer, or again; it hears all the same. Raises `RoomError`."""
        member = self._member(id)
        member.muted = on
        if on and self.floor == id:
            self._release()
            member.seat.hush()
        self._tell()

    def rename(self, id: str, character: str) -> None:
        """A member's character is another one now."""
        member = self._member(id)
        if member.character != character:
            member.character = free_name(
                [one for one in self.members.values() if one is not member], character, member.person
            )
            self._meet()

    def rule(self, rules: Rules) -> None:
        """From now on these rules hold."""
        self.rules = rules
        self.left = min(self.left, rules.rounds * len(self.members))
        self._tell()

    def close(self) -> None:
        """The room is no more."""
        self._wait(None)
        self.changed = lambda: None
        for member in self.members.values():
            member.seat.meet(())
        self.members.clear()
        self.owner = self.floor = self._called = ""
        self._asked.clear()

    def _meet(self) -> None:
        """Other characters are here than before."""
        names = tuple(one.character for one in self.members.values())
        for member in self.members.values():
            member.seat.meet(names)
        self._tell()

    # what the members do

    def person_speaks(self, id: str, on: bool) -> None:
        """A person's voice is heard, or no longer."""
        self._member(id).since = self._clock.s() if on else None
        self._tell()
        if on:
            self._clock.at(self._clock.s() + MONOLOGUE_S + 0.01, self._tell)

    def person_goes_on(self, id: str) -> None:
        """A person has been understood to say something, and has not finished."""
        self._member(id)
        if self.rules.interrupt == "anyone" and self.floor not in ("", id):
            self._silence()

    def begins(self, id: str) -> None:
        """A character begins to speak by itself. Whoever had the floor ends; others may answer, in `rounds` turns."""
        member = self._member(id)
        if member.muted:
            member.seat.hush()
            return
        if holder := self.floor:
            if holder == id:
                return
            self._release()
            self.members[holder].seat.hush()
        self.left = 1 + self.rules.rounds
        self._called = ""
        self._take(id)

    def person_said(self, id: str, text: str) -> None:
        """A person has said `text`, and their own character, which heard it, is about to answer."""
        member = self._member(id)
        self._heard(id, Line(member.person, text), show=True)
        self.left = self.rules.rounds * sum(not one.muted for one in self.members.values())
        self._called = ""
        for one in named(self.members.values(), text) or [id]:
            if one not in self._asked and not self.members[one].muted:
                self._asked.append(one)
        if self.floor in ("", id) and self._next() == id:
            self._take(id)
            return
        if self.floor in ("", id):
            self._release()
        member.seat.hush()

    def sentence(self, id: str, text: str) -> None:
        """A character begins to say a sentence: everybody else sees it."""
        member = self._member(id)
        if not self.floor:  # it speaks by itself
            self.begins(id)
        if not says_something(text):
            return
        for other in self._others(id):
            other.seat.show(Line(member.character, text))

    def turn_over(self, id: str, text: str, *, interrupted: bool = False) -> None:
        """A character's turn has ended; `text` is what was heard of it."""
        member = self._member(id)
        if says_something(text):  # else it had nothing to say
            self._heard(id, Line(member.character, text), show=False)
            called = [one for one in named(self.members.values(), text) if one != id]
            self._called = called[0] if called else ""
        if self.floor == id:
            if interrupted:
                self.left = 0
            self._release()

    def stop(self, id: str) -> None:
        """A person wants silence: whoever has the floor ends at once, and the round with them."""
        self._member(id)
        self._asked.clear()
        self._silence()

    def _silence(self) -> None:
        self.left = 0
        if holder := self.floor:
            self._release()
            self.members[holder].seat.hush()

    # the floor

    def _next(self) -> str:
        """Whose character speaks next, "" = none."""
        can = [one for one in self.members.values() if not one.muted]
        ids = {one.id for one in can}
        if asked := next((one for one in self._asked if one in ids), ""):
            return asked
        if not self.left:
            return ""
        if self._called in ids:
            return self._called
        if self.rules.order == "named":
            return ""
        names = list(self.members)
        after = names.index(self._last) + 1 if self._last in names else 0
        turn = names[after:] + names[:after]
        eager = [one for one in turn if one in ids and one != self._last and self.members[one].unheard]
        return min(eager, key=lambda one: self.members[one].turn, default="")

    def _take(self, id: str) -> None:
        self.floor = self._last = id
        self.left = max(0, self.left - 1)
        self._turns += 1
        self.members[id].turn = self._turns
        self._asked = [one for one in self._asked if one != id]
        if self._called == id:
            self._called = ""
        self._busy = 0
        self._wait(TURN_S)
        self._tell()

    def _release(self) -> None:
        self.floor = ""
        self._wait(PAUSE_S)
        self._tell()

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self._clock.at(self._clock.s() + seconds, self._due)

    def _due(self) -> None:
        """Give the floor to the next one, or take it from one that does not end."""
        self._timer = None
        if late := self.floor:
            self._release()
            self.members[late].seat.hush()
        elif self._speaking(*self.members):  # nobody speaks over a person
            self._wait(PAUSE_S)
        elif id := self._next():
            member = self.members[id]
            if member.seat.ready():
                lines = tuple(member.unheard)
                member.unheard.clear()
                self._take(id)
                member.seat.give(lines)
            else:
                self._not_now(id)
        else:
            self._tell()

    def _not_now(self, id: str) -> None:
        """The character cannot speak yet: it is asked again, but not for ever. What it has not heard, it will."""
        self._busy += 1
        if self._busy >= BUSY:
            self._take(id)
            self.floor = ""
        self._wait(PAUSE_S)

    def _speaking(self, *ids: str) -> bool:
        """Whether one of these people speaks."""
        least = self._clock.s() - MONOLOGUE_S
        return any((since := self.members[id].since) is not None and since > least for id in ids)

    def _tell(self) -> None:
        """Let the characters know whether others speak, and the people what has changed."""
        coming = self.floor or (self._next() if self._timer is not None else "")
        for id, member in self.members.items():
            person = self._speaking(*(other for other in self.members if other != id))
            told = (person or member.muted or coming not in ("", id), person)
            if told != member.told:
                member.told = told
                member.seat.others(told[0], person=person)
        self.changed()

    # names

    def _heard(self, id: str, line: Line, *, show: bool) -> None:
        for other in self._others(id):
            other.unheard.append(line)
            if show:
                other.seat.show(line)

    def _others(self, id: str) -> list[Member]:
        return [one for one in self.members.values() if one.id != id]

    def _member(self, id: str) -> Member:
        if id not in self.members:
            raise RoomError("no_member", f"'{id}' is not a member of this room")
        return self.members[id]

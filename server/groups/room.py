"""A room of people, each with a character of their own: who hears what, and whose character speaks next."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, Protocol

from vaidol.graph.clock import Clock

MOST_MEMBERS = 16
MOST_LINES = 200  # that wait for a character to have the floor; older ones are forgotten
PAUSE_S = 0.6  # between two characters, and until it is looked again whether one can speak
BUSY = 20  # such looks; a character that cannot speak by then is passed over
TURN_S = 120.0  # for one turn; a character whose turn has no end by then loses the floor


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was said; `who` is the name of a person or a character."""

    who: str
    text: str


class Seat(Protocol):
    """What a room asks of a member. Called on the event loop; must not block or raise."""

    def ready(self) -> bool:
        """Whether the character could speak just now."""

    def give(self, lines: tuple[Line, ...]) -> None:
        """The character has the floor, and hears these lines first. Its turn ends by `Room.turn_over`."""

    def hush(self) -> None:
        """What the character says, or is about to say, ends at once."""

    def show(self, line: Line) -> None:
        """The person sees what another one, or the character of another one, says."""


@dataclass(frozen=True)
class Rules:
    """How the floor goes round.

    order: round = who is addressed by name, then everybody in turn; named = only who is addressed, or whose person
    spoke. rounds: as often may every character speak after what a person said, at most.
    """

    order: Literal["round", "named"] = "round"
    rounds: int = 2


@dataclass(slots=True)
class Member:
    """A person and a character. `unheard`: what the others said since the character last had the floor."""

    id: str
    person: str
    character: str
    seat: Seat
    muted: bool = False  # the character hears, and does not speak
    turn: int = 0  # the number of its last turn; 0 = it had none
    unheard: deque[Line] = field(default_factory=lambda: deque(maxlen=MOST_LINES))


class RoomError(ValueError):
    """What was asked of a room cannot be; the text says why. `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Room:
    """At most one character has the floor (`floor`); who speaks meanwhile is heard later, and nothing is lost.

    After each thing a person says the characters may take `rounds` turns each, shared; who spoke longest ago comes
    first. The talk rests sooner when none has anything new to hear, and at once when a person interrupts.
    """

    def __init__(self, clock: Clock, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
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
        person = self._free(person)
        member = Member(id, person, self._free(character, person), seat)
        self.members[id] = member
        self.owner = self.owner or id
        return member

    def leave(self, id: str) -> None:
        """Somebody goes. The oldest member owns what its owner has left. Raises `RoomError`."""
        member = self._member(id)
        if self.floor == id:
            self._release()
            member.seat.hush()
        del self.members[id]
        self._asked = [one for one in self._asked if one != id]
        if self._called == id:
            self._called = ""
        if self.owner == id:
            self.owner = next(iter(self.members), "")

    def mute(self, id: str, on: bool) -> None:
        """Let a character speak no longer, or again; it hears all the same. Raises `RoomError`."""
        member = self._member(id)
        member.muted = on
        if on and self.floor == id:
            self._release()
            member.seat.hush()

    def close(self) -> None:
        """The room is no more."""
        self._wait(None)
        self.members.clear()
        self.owner = self.floor = self._called = ""
        self._asked.clear()

    # what the members do

    def person_said(self, id: str, text: str) -> None:
        """A person has said `text`, and their own character, which heard it, is about to answer."""
        member = self._member(id)
        self._heard(id, Line(member.person, text), show=True)
        self.left = self.rules.rounds * sum(not one.muted for one in self.members.values())
        self._called = ""
        for one in self._named(text) or [id]:
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
            self._take(id)
        for other in self._others(id):
            other.seat.show(Line(member.character, text))

    def turn_over(self, id: str, text: str, *, interrupted: bool = False) -> None:
        """A character's turn has ended; `text` is what was heard of it."""
        member = self._member(id)
        if any(letter.isalnum() for letter in text):  # else it had nothing to say
            self._heard(id, Line(member.character, text), show=False)
            named = [one for one in self._named(text) if one != id]
            self._called = named[0] if named else ""
        if self.floor == id:
            self._release()
            if interrupted:
                self.left = 0

    def stop(self, id: str) -> None:
        """A person wants silence: whoever has the floor ends at once, and the round with them."""
        self._member(id)
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

    def _release(self) -> None:
        self.floor = ""
        self._wait(PAUSE_S)

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
        elif id := self._next():
            member = self.members[id]
            if member.seat.ready():
                lines = tuple(member.unheard)
                member.unheard.clear()
                self._take(id)
                member.seat.give(lines)
            else:
                self._not_now(id)

    def _not_now(self, id: str) -> None:
        """The character cannot speak yet: it is asked again, but not for ever. What it has not heard, it will."""
        self._busy += 1
        if self._busy >= BUSY:
            self._take(id)
            self.floor = ""
        self._wait(PAUSE_S)

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

    def _named(self, text: str) -> list[str]:
        """The members whose characters `text` names, in the order of their names in it."""
        found = [
            (at.start(), one.id)
            for one in self.members.values()
            if (at := re.search(rf"(?<!\w){re.escape(one.character)}(?!\w)", text, re.IGNORECASE))
        ]
        return [id for _, id in sorted(found)]

    def _free(self, name: str, *more: str) -> str:
        """`name`, or with the first number behind it that makes it one nobody has."""
        taken = {*(used.casefold() for one in self.members.values() for used in (one.person, one.character))}
        taken |= {used.casefold() for used in more}
        if name.casefold() not in taken:
            return name
        return next(f"{name} {n}" for n in range(2, 2 * MOST_MEMBERS + 3) if f"{name} {n}".casefold() not in taken)

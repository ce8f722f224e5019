"""Who is in a room, what it asks of a member, and the rules it goes by."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal, Protocol

MOST_MEMBERS = 16
MOST_LINES = 200  # that wait for a character to have the floor; older ones are forgotten


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

    def meet(self, names: tuple[str, ...]) -> None:
        """These characters are in the room now, one's own among them; none: it is no room any more, and
        nobody speaks there."""

    def others(self, active: bool, *, person: bool) -> None:
        """Others speak, or are about to, or the character is muted: until that is over it begins nothing by itself.
        person: it is a person who speaks."""


@dataclass(frozen=True)
class Rules:
    """How the floor goes round.

    order: round = who is addressed by name, then everybody in turn; named = only who is addressed, or whose person
    spoke. rounds: as often may every character speak after what a person said, at most. interrupt: own = only its own
    person's voice interrupts a character, the others are answered after it; anyone = everybody's does. The stop button
    is everybody's always.
    """

    order: Literal["round", "named"] = "round"
    rounds: int = 2
    interrupt: Literal["own", "anyone"] = "own"


@dataclass(slots=True)
class Member:
    """A person and a character. `unheard`: what the others said since the character last had the floor."""

    id: str
    person: str
    character: str
    seat: Seat
    muted: bool = False  # the character hears, and does not speak
    turn: int = 0  # the number of its last turn; 0 = it had none
    since: float | None = None  # the person has been speaking since, s
    told: tuple[bool, bool] = (False, False)  # what `Seat.others` was told last
    unheard: deque[Line] = field(default_factory=lambda: deque(maxlen=MOST_LINES))


class RoomError(ValueError):
    """What was asked of a room cannot be; the text says why. `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def named(members: Collection[Member], text: str) -> list[str]:
    """The members whose characters `text` names, in the order of their names in it."""
    found = [
        (at.start(), one.id)
        for one in members
        if (at := re.search(rf"(?<!\w){re.escape(one.character)}(?!\w)", text, re.IGNORECASE))
    ]
    return [id for _, id in sorted(found)]


def free_name(members: Collection[Member], name: str, *more: str) -> str:
    """`name`, or with the first number behind it that makes it one nobody has."""
    taken = {*(used.casefold() for one in members for used in (one.person, one.character))}
    taken |= {used.casefold() for used in more}
    if name.casefold() not in taken:
        return name
    return next(f"{name} {n}" for n in range(2, 2 * MOST_MEMBERS + 3) if f"{name} {n}".casefold() not in taken)


def says_something(text: str) -> bool:
    """Whether there are words in `text`: "..." is what a character answers that has nothing to add."""
    return any(letter.isalnum() for letter in text)

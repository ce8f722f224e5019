"""A room at which characters say what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vaidol.graph.clock import Clock, run_virtual
from vaidol.server.groups.members import Line, Rules
from vaidol.server.groups.room import Room

NAMES = {"a": ("Anna", "Ada"), "b": ("Ben", "Bo"), "c": ("Cleo", "Cy")}


class Chair:
    """A member whose character says `says` half a second after it has the floor, and what it heard before."""

    def __init__(self, room: Room, id: str, log: list[str]) -> None:
        self.room, self.id, self.log = room, id, log
        self.says: str | None = "I see."  # None: its turn never ends
        self.free = True
        self.heard: list[Line] = []  # by the character
        self.seen: list[Line] = []  # by the person
        self.hushed = 0
        self.met: tuple[str, ...] = ()
        self.elsewhere = False  # others speak, or are about to

    def ready(self) -> bool:
        return self.free

    def give(self, lines: tuple[Line, ...]) -> None:
        self.heard += lines
        self.answer()

    def answer(self) -> None:
        self.log.append(self.id)
        if self.says is not None:
            says = self.says
            clock = self.room._clock
            clock.at(clock.s() + 0.5, lambda: self.room.turn_over(self.id, says))

    def hush(self) -> None:
        self.hushed += 1

    def show(self, line: Line) -> None:
        self.seen.append(line)

    def meet(self, names: tuple[str, ...]) -> None:
        self.met = names
        self.elsewhere = self.elsewhere and bool(names)

    def others(self, active: bool, *, person: bool) -> None:
        self.elsewhere = active


class Table:
    """A room and its chairs; `log`: whose characters spoke, in order."""

    def __init__(self, ids: str, rules: Rules | None = None) -> None:
        self.room = Room(Clock(asyncio.get_running_loop()), rules)
        self.log: list[str] = []
        self.chairs = {id: Chair(self.room, id, self.log) for id in ids}
        for id in ids:
            self.room.join(id, *NAMES[id], self.chairs[id])

    def say(self, id: str, text: str) -> None:
        """A person says something; where the room lets their own character answer, it does."""
        hushed = self.chairs[id].hushed
        self.room.person_said(id, text)
        if self.chairs[id].hushed == hushed:
            self.chairs[id].answer()


def play(ids: str, talk: Callable[[Table], None], rules: Rules | None = None, for_s: float = 60.0) -> Table:
    async def main() -> Table:
        table = Table(ids, rules)
        talk(table)
        await asyncio.sleep(for_s)
        return table

    return run_virtual(main())

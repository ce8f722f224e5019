"""Instances of one provider for requests that come at the same time: each works for one of them, then for the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Settings
from vaidol.graph.plan import Plan
from vaidol.graph.scheduler import Graph

WAIT_S = 15.0  # for a free seat


@dataclass(slots=True)
class Seat:
    """One instance in a graph of its own, with the settings that it opened with; `owner`: whose work it did last."""

    graph: Graph
    node: Any
    settings: Settings
    owner: str = ""


class Seats:
    """At most `count` instances of the node `name` of `plan`, each in a graph of its own, made when they are wanted.
    A broken one is not used again."""

    def __init__(self, plan: Plan, name: str, engine: Engine, count: int) -> None:
        self.node = plan.node(name)
        self._plan = plan
        self._engine = engine
        self._count = count
        self._made = 0
        self._idle: list[Seat] = []  # the one unused for longest comes first
        self._free = asyncio.Semaphore(count)

    @asynccontextmanager
    async def take(self, owner: str = "", settings: dict[str, Any] | None = None) -> AsyncIterator[Seat]:
        """An instance of one's own inside `async with`, with changed `settings`; if it can be, the one that worked for
        `owner` last. Raises `ProviderError` when all are busy for long, or it cannot be opened, and `ValidationError`.
        """
        asked = settings or {}
        whole = type(self.node.settings).model_validate({**self.node.settings.model_dump(), **asked})
        changes = {name: getattr(whole, name) for name in asked}
        try:
            async with asyncio.timeout(WAIT_S):
                await self._free.acquire()
        except TimeoutError:
            said = f"{self.node.name} has been busy with other requests for {WAIT_S:g} s"
            raise ProviderError(said, retryable=True, code="busy") from None
        seat: Seat | None = None
        try:
            seat = self._chosen(owner) or await self._new()
            seat.owner, seat.node.settings = owner, seat.settings.model_copy(update=changes)
            yield seat
        finally:
            if seat is not None:
                await self._give_back(seat)
            self._free.release()

    async def close(self) -> None:
        """End all that nobody works with."""
        while self._idle:
            await self._end(self._idle.pop())

    def _chosen(self, owner: str) -> Seat | None:
        """The one of last time; else none, if another may be made; else the one unused for longest."""
        own = next((seat for seat in self._idle if owner and seat.owner == owner), None)
        if own is None and (self._made < self._count or not self._idle):
            return None
        seat = own or self._idle[0]
        self._idle.remove(seat)
        return seat

    async def _new(self) -> Seat:
        graph, opened = Graph(self._plan, self._engine, session=f"ml {self.node.name} {self._made}"), False
        self._made += 1
        try:
            await graph.__aenter__()
            opened = True
        finally:
            self._made -= not opened
        cell = graph.cells[self.node.name]
        seat = Seat(graph, cell.node, cell.node.settings)
        if cell.failed:
            await self._end(seat)
            raise ProviderError(cell.error, code="open")
        return seat

    async def _give_back(self, seat: Seat) -> None:
        broken = seat.graph.ended.done() or seat.graph.cells[self.node.name].failed
        if broken:
            await self._end(seat)
        else:
            self._idle.append(seat)

    async def _end(self, seat: Seat) -> None:
        self._made -= 1
        await seat.graph.__aexit__(None, None, None)

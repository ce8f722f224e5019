"""What a node gets from the engine: the concrete `Context`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from vaidol.graph.cell import Cell
from vaidol.graph.errors import ProviderError
from vaidol.graph.hosts import ask, placed_key
from vaidol.graph.supervisor import Guard

if TYPE_CHECKING:
    from vaidol.graph.scheduler import Graph

T = TypeVar("T")
P = ParamSpec("P")


class NodeContext:
    """See `vaidol.graph.node.Context`."""

    def __init__(self, graph: Graph, cell: Cell) -> None:
        self._graph = graph
        self._cell = cell
        self.node = cell.name
        self.session = graph.session
        self.clock = graph.clock
        self.fence = graph.fence
        self.events = graph.events

    def end(self, name: str) -> Any:
        if name not in self._graph.ends:
            known = ", ".join(sorted(self._graph.ends)) or "none"
            raise ProviderError(f"{self.node} needs the end '{name}', and this session has: {known}", code="no_end")
        return self._graph.ends[name]

    def shared(self, key: str) -> Any:
        shared, placed = self._graph.engine.shared, placed_key(key, self._cell.running.place)
        return shared[placed if placed in shared else key]

    def spawn(self, work: Coroutine[Any, Any, None], *, gen: int = 0) -> asyncio.Task[None]:
        return self._graph.spawn(self._cell, work, gen)

    async def call(self, pool: str, function: Callable[..., T], *args: Any) -> T:
        engine = self._graph.engine
        result = await engine.workers.call(pool, function, *args)
        if engine.costs_s and self.clock.virtual:
            await self.clock.sleep(engine.costs_s.get(self.node, 0.0))
        return result

    async def ask(self, key: str, function: Callable[..., T], *args: Any, within_s: float) -> T:
        engine = self._graph.engine
        cost_s = engine.costs_s.get(self.node, 0.0) if engine.costs_s and self.clock.virtual else 0.0
        result: T = await ask(self.node, self.shared(key), function, *args, within_s=within_s, cost_s=cost_s)
        return result

    def count(self, name: str, by: int = 1) -> None:
        self._cell.counts[name] = self._cell.counts.get(name, 0) + by

    def each_tick(self, call: Callable[[int], None]) -> Callable[[], None]:
        return self._graph.each_tick(self._cell, call)

    def guarded(self, call: Callable[P, None]) -> Callable[P, None]:
        guard, cell = Guard(self._graph.supervisor, self._cell), self._cell

        def guarded(*args: P.args, **named: P.kwargs) -> None:
            with guard, cell.booked():
                call(*args, **named)

        return guarded

    def mark(self, trace: int, name: str, ns: int | None = None) -> None:
        if trace:
            self._graph.mark(trace, name, ns)

    def trouble(self, error: str, *, code: str = "provider", gen: int = 0) -> None:
        self.events.publish("error", node=self.node, gen=gen, text=error, code=code)

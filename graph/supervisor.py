"""What happens when a node fails: every failure of a node ends in `Supervisor.failed`, and nowhere else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vaidol.graph.cell import Cell
from vaidol.graph.errors import Overrun, ProviderError
from vaidol.graph.frames import Frame

if TYPE_CHECKING:
    from vaidol.graph.scheduler import Graph

log = logging.getLogger("vaidol.graph")
BACKOFF_MAX_S = 10.0
OPEN_S = 120.0  # a node that is not open by then has failed to open; models load before, without this limit
CLOSE_S = 2.0


class Guard:
    """`with guard(cell, frame):` hands any `Exception` inside to the supervisor and goes on behind the block."""

    __slots__ = ("cell", "frame", "supervisor")

    def __init__(self, supervisor: Supervisor, cell: Cell, frame: Frame | None = None) -> None:
        self.supervisor = supervisor
        self.cell = cell
        self.frame = frame

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self.supervisor.failed(self.cell, self.frame, error)
            return True
        return False


class Supervisor:
    """Applies each node's `on_error`, and keeps the promise that a reply always ends."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def failed(self, cell: Cell, frame: Frame | None, error: Exception) -> None:
        """Node `cell` raised `error`, working on `frame` (None: on its own account)."""
        message, code = explain(cell.name, error)
        if not isinstance(error, ProviderError):
            log.error("a node failed", extra={"session": self.graph.session, "node": cell.name}, exc_info=error)
        cell.error = message
        gen = frame.gen if frame is not None else 0
        self.graph.events.publish("error", node=cell.name, gen=gen, text=message, code=code)
        if gen:
            self.graph.fence.failing(gen, message)
        policy = cell.plan.on_error.policy
        if isinstance(error, Overrun) or policy == "end":
            self.graph.end(f"{cell.name}: {message}")
        elif policy == "fallback" or (policy == "restart" and not self._may_restart(cell)):
            self._replace(cell, frame)
            return
        elif policy == "restart" and not cell.restarting:
            cell.restarting = True
            self.graph.own(self._restart(cell))
        self.owe(cell, frame)

    def owe(self, cell: Cell, frame: Frame | None) -> None:
        """Send the end of the reply that the failed node can no longer send, or end the turn where nothing follows."""
        if frame is None or not frame.gen or not frame.final or not self.graph.fence.alive(frame.gen):
            return
        owed = [(port, edges[0].plan.frame) for port, edges in cell.outs.items() if edges and edges[0].plan.frame.owed]
        if not owed:
            self.graph.fence.fail(frame.gen, cell.error)
        for port, frame_class in owed:
            cell.node.emit(port, frame_class.end(frame.gen, frame.trace))

    async def opened(self, cell: Cell) -> bool:
        """Load what the node needs and open it; False when that failed, which its policy then answers."""
        cell.loading, ok = True, False
        with Guard(self, cell):
            for need in type(cell.node).needs(cell.node.settings):
                await self.graph.engine.shared.get(need)
            async with asyncio.timeout(OPEN_S):
                await cell.node.open()
            ok = True
        cell.loading = False
        if not ok and not cell.restarting and cell.stand_in is None:
            cell.failed = True
        return ok

    async def close(self, cell: Cell) -> None:
        """Close the node inside `cell`; a node that fails or hangs at that is left behind."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await cell.node.close()
        except (TimeoutError, ProviderError, OSError, RuntimeError) as error:
            log.warning(
                "a node did not close", extra={"session": self.graph.session, "node": cell.name}, exc_info=error
            )

    def _may_restart(self, cell: Cell) -> bool:
        rules, now = cell.plan.on_error, self.graph.clock.s()
        while cell.restarts and cell.restarts[0] < now - rules.window_s:
            cell.restarts.popleft()
        return len(cell.restarts) < rules.max or cell.restarting

    async def _restart(self, cell: Cell) -> None:
        rules = cell.plan.on_error
        cell.restarts.append(self.graph.clock.s())
        await self.graph.clock.sleep(min(rules.backoff_s * 2 ** (len(cell.restarts) - 1), BACKOFF_MAX_S))
        await self.close(cell)
        self.graph.place(cell, cell.plan)
        cell.restarting = False
        if await self.opened(cell):
            self.graph.events.publish("restarted", node=cell.name, value=len(cell.restarts))
            self.graph.start_source(cell)

    def _replace(self, cell: Cell, frame: Frame | None) -> None:
        """Put the fallback in the node's place; it gets the frame too when nothing of its work has left yet."""
        name = cell.plan.fallback
        if name is None or cell.stand_in is not None:
            cell.failed = True
            self.owe(cell, frame)
            return
        cell.stand_in = name
        self.graph.own(self._stand_in(cell, name, frame if cell.sent == 0 else None))
        if cell.sent:
            self.owe(cell, frame)

    async def _stand_in(self, cell: Cell, name: str, frame: Frame | None) -> None:
        cell.restarting = True
        await self.close(cell)
        self.graph.place(cell, self.graph.plan.node(name))
        cell.restarting = False
        if await self.opened(cell):
            self.graph.events.publish("fallback", node=cell.name, text=name)
            self.graph.start_source(cell)
            if frame is not None and self.graph.fence.alive(frame.gen):
                await self.graph.again(cell, frame)
        else:
            self.owe(cell, frame)


def explain(node: str, error: Exception) -> tuple[str, str]:
    """The sentence for the people in the call, and a short code."""
    if isinstance(error, ProviderError):
        return str(error), error.code
    if isinstance(error, TimeoutError):
        return f"{node} did not answer in time", "timeout"
    if isinstance(error, Overrun):
        return str(error), "overrun"
    return f"{node} failed: {type(error).__name__}", "bug"


def guarded(supervisor: Supervisor, cell: Cell, work: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
    """`work` with its failures handed to the supervisor."""

    async def run() -> None:
        with Guard(supervisor, cell):
            await work

    return run()

"""What happens when a node fails: every failure of a node ends in `Supervisor.failed`, and nowhere else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from vaidol.graph.cell import Cell
from vaidol.graph.edges import Edge
from vaidol.graph.errors import Overrun, ProviderError
from vaidol.graph.frames import Frame
from vaidol.graph.hosts import placed
from vaidol.graph.plan import PlanNode
from vaidol.graph.tasks import Steps, Work

if TYPE_CHECKING:
    from vaidol.graph.scheduler import Graph

log = logging.getLogger("vaidol.graph")
BACKOFF_MAX_S = 10.0
OPEN_S = 120.0  # a node that is not open by then has failed to open; models load before, without this limit
CLOSE_S = 2.0


class Guard:
    """`with Guard(…):` hands any `Exception` inside to the supervisor and goes on behind the block."""

    __slots__ = ("cell", "edge", "frame", "gen", "supervisor")

    def __init__(
        self, supervisor: Supervisor, cell: Cell, frame: Frame | None = None, edge: Edge | None = None, gen: int = 0
    ) -> None:
        self.supervisor = supervisor
        self.cell = cell
        self.frame = frame
        self.edge = edge
        self.gen = gen

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self.supervisor.failed(self.cell, self.frame, error, edge=self.edge, gen=self.gen)
            return True
        return False


class Supervisor:
    """Applies each node's `on_error`, and keeps the promise that a reply always ends."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def failed(
        self, cell: Cell, frame: Frame | None, error: Exception, *, edge: Edge | None = None, gen: int = 0
    ) -> None:
        """Node `cell` raised `error`, working on `frame` of `edge`, or in a task of its own for reply `gen`."""
        if cell.closing and not self.graph.stopping:
            log.warning("a retired node failed", extra={"session": self.graph.session, "node": cell.name})
        else:
            self._failed(cell, frame, error, edge, gen)

    def _failed(self, cell: Cell, frame: Frame | None, error: Exception, edge: Edge | None, gen: int) -> None:
        message, code = explain(cell.name, error)
        if not isinstance(error, ProviderError):
            log.error("a node failed", extra={"session": self.graph.session, "node": cell.name}, exc_info=error)
        cell.error = message
        cell.errors += 1
        gen = frame.gen if frame is not None and frame.gen else gen or self.begun_for(cell, frame)
        self.graph.events.publish("error", node=cell.name, gen=gen, text=message, code=code)
        policy = cell.running.on_error.policy
        recovers = policy not in ("skip", "end") and not cell.failed and not cell.restarting and not cell.loading
        again = recovers and policy == "fallback" and edge is not None and cell.sent == cell.sent_before
        if gen and not (again and frame is not None):  # else a stand-in does it all
            self.graph.fence.failing(gen, message)
        if self.graph.stopping:
            return
        if isinstance(error, Overrun) or policy == "end":
            self.graph.end(f"{cell.name}: {message}")
        elif recovers:
            if again and edge is not None and frame is not None:
                edge.untake(frame)  # nothing of its work has left yet: the stand-in gets it
            self._recover_soon(cell)
            if again and frame is not None:
                return
        if gen and (frame is None or frame.final or not frame.gen):
            self.owe(cell, gen)

    def owe(self, cell: Cell, gen: int) -> None:
        """Send the end of reply `gen` that the node can no longer send, or end the turn where nothing follows."""
        turn = self.graph.fence.turn(gen)
        if turn is None:
            return
        owed = [(port, edges[0].plan.frame) for port, edges in cell.outs.items() if edges and edges[0].plan.frame.owed]
        if not owed:
            self.graph.fence.fail(gen, cell.error)
        for port, frame_class in owed:
            cell.node.emit(port, frame_class.end(gen, turn.trace))

    async def opened(self, cell: Cell) -> bool:
        """Load what the node needs and open it; False when that failed."""
        cell.loading, ok = True, False
        with Guard(self, cell):
            for need in placed(type(cell.node), cell.node.settings, cell.running.place):
                await self.graph.engine.shared.get(need)
            async with asyncio.timeout(OPEN_S):
                await Steps(cell, cell.node.open())
            ok = True
        cell.loading = False
        return ok

    async def start(self, cell: Cell) -> None:
        """Open a node for the first time; one that cannot be opened gets what its `on_error` says."""
        if await self.opened(cell):
            self.graph.flow.proceed(cell)
        elif cell.plan.on_error.policy in ("restart", "fallback"):
            self._recover_soon(cell)
        else:
            self._give_up(cell)

    async def close(self, cell: Cell, *, within_s: float = CLOSE_S) -> None:
        """Close the node inside `cell`; a node that fails or hangs at that is left behind."""
        with Guard(self, cell):
            async with asyncio.timeout(within_s):
                await cell.node.close()

    def begun_for(self, cell: Cell, frame: Frame | None) -> int:
        """The reply that the node had begun for what it was working on; 0 = none."""
        if frame is None or not type(cell.node).replies:
            return 0
        begun = (turn.gen for turn in self.graph.fence.turns if turn.gen > cell.since and turn.trace == frame.trace)
        return next(begun, 0)

    def _recover_soon(self, cell: Cell) -> None:
        cell.restarting = True
        self.graph.flow.pause(cell)
        self.graph.own(self._recover(cell))

    async def _recover(self, cell: Cell) -> None:
        """Restart, then fall back, until a node is open in `cell` or nothing is left to try."""
        while (following := self._next(cell)) is not None:
            plan, wait_s = following
            await self.graph.clock.sleep(wait_s)
            await self.close(cell)
            if cell.closing:
                return
            self.graph.place(cell, plan)
            if await self.opened(cell) and not cell.closing:
                cell.restarting = False
                taken_over = cell.stand_in is not None and not wait_s
                word, value = ("fallback", 0) if taken_over else ("restarted", len(cell.restarts))
                self.graph.events.publish(word, node=cell.name, text=cell.stand_in or "", value=value)
                self.graph.start_source(cell)
                self.graph.flow.proceed(cell)
                return
        cell.restarting = False
        if not cell.closing:
            self._give_up(cell)

    def _next(self, cell: Cell) -> tuple[PlanNode, float] | None:
        """The plan to open next and the wait before it."""
        plan = cell.running
        rules, now = plan.on_error, self.graph.clock.s()
        while cell.restarts and cell.restarts[0] < now - rules.window_s:
            cell.restarts.popleft()
        if rules.policy == "restart" and len(cell.restarts) < rules.max:
            cell.restarts.append(now)
            return plan, min(rules.backoff_s * 2 ** (len(cell.restarts) - 1), BACKOFF_MAX_S)
        if plan.fallback is None:
            return None
        cell.restarts.clear()
        return self.graph.plan.node(plan.fallback), 0.0

    def _give_up(self, cell: Cell) -> None:
        """From now on every frame to `cell` is lost, and every reply through it ends."""
        cell.failed = True
        cell.step = self._losing(cell)
        self.graph.flow.proceed(cell)

    def _losing(self, cell: Cell) -> Callable[[str, Frame], object]:
        def lose(port: str, frame: Frame) -> None:
            turn = self.graph.fence.turn(frame.gen)
            if turn is not None:
                turn.error = turn.error or cell.error
                if frame.final:
                    self.owe(cell, frame.gen)

        async def lose_later(port: str, frame: Frame) -> None:
            lose(port, frame)

        return lose_later if cell.plan.asynchronous else lose


def explain(node: str, error: Exception) -> tuple[str, str]:
    """The sentence for the people in the call, and a short code."""
    if isinstance(error, ProviderError):
        return str(error), error.code
    if isinstance(error, TimeoutError):
        return f"{node} did not answer in time", "timeout"
    if isinstance(error, Overrun):
        return str(error), "overrun"
    return f"{node} failed: {type(error).__name__}", "bug"


async def guarded(supervisor: Supervisor, cell: Cell, work: Work, gen: int) -> None:
    """`work` with its failures handed to the supervisor and its time booked on `cell`."""
    with Guard(supervisor, cell, gen=gen):
        await Steps(cell, work)

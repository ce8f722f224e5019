"""Changing a graph while it runs: new nodes are warmed beside the old ones, then take their places at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vaidol.graph.cell import Cell
from vaidol.graph.clock import busy_s
from vaidol.graph.diff import Diff, Moment, difference
from vaidol.graph.events import Event
from vaidol.graph.incoming import Incoming, SwapFailed
from vaidol.graph.plan import Plan
from vaidol.graph.rewire import rewire
from vaidol.graph.supervisor import CLOSE_S

if TYPE_CHECKING:
    from vaidol.graph.scheduler import Graph

PAST, HISTORY = 16, 64
TURN_S = 60.0  # a change that waits for the end of a reply waits no longer than this
FRAME_S = 2.0  # and for a node that works on a frame no longer than this
LOOK_S, SHORT_LOOK_S = 0.01, 0.001
PROBATION_S = 60.0  # a new node that fails before it has brought anything forth is taken back within this time
Outcome = Literal["pending", "applied", "failed", "nothing"]
Cause = Literal["edit", "rollback", "failure"]


@dataclass(slots=True)
class Change:
    """One change of a running graph. `revision`: that of the plan it leads to; `gap_ms`: the nodes concerned stood
    still for so long; `cause` failure: a new node failed, and the plan before was put back."""

    revision: int
    diff: Diff
    at: Moment
    cause: Cause
    began_ms: float
    step: Literal["loading", "waiting", "done"] = "loading"
    outcome: Outcome = "pending"
    why: str = ""
    took_ms: float = 0.0
    gap_ms: float = 0.0

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "revision": self.revision, "diff": self.diff.told(), "at": self.at, "cause": self.cause,
            "began_ms": round(self.began_ms, 1), "step": self.step, "outcome": self.outcome, "why": self.why,
            "took_ms": round(self.took_ms, 1), "gap_ms": round(self.gap_ms, 3),
        }  # fmt: skip


class Busy(Exception):
    """Another change is under way: `change`."""

    def __init__(self, change: Change) -> None:
        super().__init__(f"another change is under way ({change.step}): {change.diff.text}")
        self.change = change


class Swaps:
    """The changes of one graph, one at a time."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._past: deque[Plan] = deque(maxlen=PAST)
        self.history: deque[Change] = deque(maxlen=HISTORY)
        self.revision = 1
        self.current: Change | None = None

    @property
    def can_go_back(self) -> bool:
        """There is a plan before this one."""
        return bool(self._past)

    async def apply(self, plan: Plan, at: Moment | None = None) -> Change:
        """Make this the graph of `plan`. Raises `Busy`, and `SwapFailed` after which everything is as it was."""
        return await self._start(plan, at, "edit")

    async def rollback(self, at: Moment | None = None) -> Change:
        """Go back to the plan before. Raises `Busy`, `SwapFailed`."""
        return await self._start(self._before(), at, "rollback")

    def _before(self) -> Plan:
        if not self._past:
            raise SwapFailed("there is no earlier pipeline to go back to")
        return self._past[-1]

    async def _start(self, plan: Plan, at: Moment | None, cause: Cause) -> Change:
        graph = self._graph
        if self.current is not None:
            raise Busy(self.current)
        if graph.stopping:
            raise SwapFailed("the session has ended")
        diff = difference(graph.plan, plan)
        change = Change(self.revision + 1, diff, at or diff.moment, cause, graph.clock.s() * 1e3)
        if diff.empty:
            graph.plan = plan  # it may be written in another way
            change.revision, change.step, change.outcome = self.revision, "done", "nothing"
            return change
        self.current = change
        await asyncio.wait([graph.own(self._run(change, plan))])
        if change.outcome == "failed":
            raise SwapFailed(change.why)
        return change

    async def _run(self, change: Change, plan: Plan) -> None:
        graph, before = self._graph, self._graph.plan
        incoming = Incoming(graph, plan, change.diff)
        self._tell(change, "begun", change.diff.text)
        try:
            retired = await self._change(change, plan, incoming)
            change.outcome, change.step = "applied", "done"
        except SwapFailed as error:
            change.why = str(error)
        finally:
            self.current = None
            change.took_ms = graph.clock.s() * 1e3 - change.began_ms
            self.history.append(change)
            if change.outcome != "applied":
                change.outcome, change.step = "failed", "done"
                change.why = change.why or "the session ended"
                self._tell(change, "failed", change.why)
                await incoming.give_up()
        if change.outcome == "applied":
            self._keep(change, before)
            self._tell(change, "applied", change.diff.text)
            self._on_probation(change, incoming.cells)
            await asyncio.gather(*(_closed(graph, cell) for cell in retired))

    def _keep(self, change: Change, before: Plan) -> None:
        self.revision = change.revision
        if change.cause == "edit":
            self._past.append(before)
        else:
            self._past.pop()

    async def _change(self, change: Change, plan: Plan, incoming: Incoming) -> list[Cell]:
        await incoming.warm()
        change.step = "waiting"
        concerned = incoming.outgoing
        if change.at == "turn":
            await self._turn_over(concerned)
        began = busy_s()
        try:
            if change.at != "now":
                await self._frame_over(incoming.hold(concerned))
            await incoming.replace_those_alone()
            incoming.check()
            return self._cut_over(plan, incoming)
        finally:
            change.gap_ms = (busy_s() - began) * 1e3

    async def _turn_over(self, cells: Iterable[Cell]) -> None:
        """Wait until no reply is under way and nobody concerned works."""
        graph = self._graph
        until = graph.clock.s() + TURN_S
        while graph.fence.turns or any(cell.current is not None or cell.order for cell in cells):
            if graph.clock.s() >= until:
                return
            await graph.clock.sleep(LOOK_S)

    async def _frame_over(self, cells: Iterable[Cell]) -> None:
        """Wait until what they work on is done."""
        clock = self._graph.clock
        until = clock.s() + FRAME_S
        while any(cell.current is not None for cell in cells) and clock.s() < until:
            await clock.sleep(SHORT_LOOK_S)

    def _cut_over(self, plan: Plan, incoming: Incoming) -> list[Cell]:
        """One step of the loop: states handed over, edges rewired, everything goes on."""
        graph = self._graph
        incoming.carry()
        owed = [(cell.name, gen) for cell in incoming.outgoing if (gen := self._interrupted(cell))]
        retired = rewire(graph, plan, incoming.cells)
        incoming.let_go()
        for cell in incoming.cells.values():
            cell.loading = False
            graph.serve(cell)
        for cell in graph.cells.values():
            if cell.paused:
                graph.flow.pause(cell)
            else:
                graph.flow.proceed(cell)
        for cell in incoming.cells.values():
            graph.start_source(cell)
        for name, gen in owed:
            if name in graph.cells:
                graph.supervisor.owe(graph.cells[name], gen)
        return retired

    def _interrupted(self, cell: Cell) -> int:
        """What `cell` works on goes to its successor when nothing of it was sent; else its reply ends: the generation
        whose end is owed, 0 = none."""
        frame, edge = cell.current, cell.current_edge
        if frame is None or edge is None:
            return 0
        if cell.sent == cell.sent_before and edge in self._graph.edges:
            edge.untake(frame)
            return 0
        gen = frame.gen or self._graph.supervisor.begun_for(cell, frame)
        return gen if frame.final or not frame.gen else 0

    def _on_probation(self, change: Change, cells: dict[str, Cell]) -> None:
        """Go back when one of the new nodes fails before it has brought anything forth."""
        if change.cause != "edit":
            return
        graph = self._graph
        until = graph.clock.s() + PROBATION_S
        before = {name: (cell.sent, cell.errors) for name, cell in cells.items()}

        def hear(event: Event) -> None:
            cell = cells.get(event.node)
            if graph.clock.s() > until or self.revision != change.revision:
                stop()
            elif event.name == "error" and cell is not None and graph.cells.get(event.node) is cell:
                sent, errors = before[event.node]
                if cell.sent == sent and cell.errors > errors:
                    stop()
                    graph.own(self._take_back(change, event.text))

        stop = graph.events.listen(hear)

    async def _take_back(self, change: Change, why: str) -> None:
        if self.current is not None or self.revision != change.revision or not self._past:
            return
        change.why = why
        with contextlib.suppress(SwapFailed):  # told, and in the history
            await self._start(self._past[-1], "frame", "failure")

    def _tell(self, change: Change, code: str, text: str) -> None:
        self._graph.events.publish("swap", code=code, text=text, value=change.gap_ms)


async def _closed(graph: Graph, cell: Cell) -> None:
    """Close a retired node, once its tasks have ended."""
    tasks = [*cell.spawned, *([cell.task] if cell.task else [])]
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSE_S)
    await graph.close(cell)

"""The running graph of one session: builds the nodes of a plan, starts them, and stops them in order."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any

from vaidol.graph.cell import Cell
from vaidol.graph.context import NodeContext
from vaidol.graph.deadlines import Deadlines
from vaidol.graph.diff import placed
from vaidol.graph.edges import Edge
from vaidol.graph.engine import Engine
from vaidol.graph.events import EventLog
from vaidol.graph.flow import Flow
from vaidol.graph.gate import GatedEdge
from vaidol.graph.generations import Fence, TurnCut
from vaidol.graph.meters import Snapshot, snapshot
from vaidol.graph.plan import ALARM, Plan, PlanEdge, PlanNode
from vaidol.graph.supervisor import CLOSE_S, Guard, Supervisor, guarded
from vaidol.graph.swap import Swaps
from vaidol.graph.taps import NoEdge, Take, Taps
from vaidol.graph.tasks import Tasks
from vaidol.graph.wiring import Wiring, retire

log = logging.getLogger("vaidol.graph")
UTTERANCES_KEPT = 64
STOP_S = 8.0  # for a whole graph in which nothing works any more; one that works needs none of it
SLOW_NAMED_S = 1.0  # a node that blocks the loop is named at most this often


class Graph:
    """One session's nodes and edges, running between `async with`.

    `ends` are the outside ends that nodes ask for by name: the peer of a call, a file.
    """

    def __init__(self, plan: Plan, engine: Engine, *, session: str = "", ends: Mapping[str, Any] | None = None) -> None:
        self.plan = plan
        self.engine = engine
        self.clock = engine.clock
        self.session = session
        self.ends: Mapping[str, Any] = ends or {}
        self.events = EventLog(engine.clock)
        self.fence = Fence(self.events)
        self.supervisor = Supervisor(self)
        self.marks: OrderedDict[int, list[tuple[str, int]]] = OrderedDict()  # utterance -> (moment, clock ns)
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.stopping = False
        self._tasks = Tasks(self._bug)
        self._owned: set[asyncio.Task[None]] = set()
        self.deadlines = Deadlines(self)
        self._named: dict[str, float] = {}  # node -> when it was last named as slow
        self.cells = {name: Cell(node, self._slow) for name, node in placed(plan).items()}
        self.edges = [self.edge(edge, self.cells[edge.target]) for edge in plan.edges]
        self.flow = Flow(self.fence, self.supervisor, engine.clock)
        self.taps = Taps()
        self.wiring = Wiring(self.edges, self.fence.life, self.flow, engine.workers, self.taps)
        self.swaps = Swaps(self)
        for edge in self.edges:
            edge.target.ins.append(edge)
        for cell in self.cells.values():
            cell.wake = self.flow.wake
            self.flow.pause(cell)
            self.place(cell, cell.plan)
        self.fence.on_cut(self._after_cut)
        self.fence.on_begin(self.deadlines.watch)
        self.fence.on_commit(lambda _: self._open_gates())

    # life

    async def __aenter__(self) -> Graph:
        """Open all nodes side by side, then start the sources; what comes before a node is open waits."""
        self.engine.watch()
        try:
            order = list(reversed(self.cells.values()))
            for cell in order:
                self.serve(cell)
            await asyncio.wait([self.own(self.supervisor.start(cell)) for cell in order])
            for cell in order:
                self.start_source(cell)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def end(self, reason: str) -> None:
        """Ask whoever runs this graph to stop it."""
        if not self.ended.done():
            self.ended.set_result(reason)

    @property
    def idle(self) -> bool:
        """Nothing is under way: no turn, no queued frame, no busy node, no source running."""
        busy = any(cell.busy for cell in self.cells.values())
        return not busy and not self.fence.turns and self.flow.idle and not self._owned

    def node(self, name: str) -> Any:
        """The node now running under `name`. Raises `KeyError`."""
        return self.cells[name].node

    def snapshot(self) -> Snapshot:
        """All meters so far, as plain data; cheap enough to be asked for ten times a second."""
        return snapshot(self)

    def tap(self, name: str, take: Take) -> Callable[[], None]:
        """See `Taps.tap`; `name` as in `PlanEdge.name`. Raises `NoEdge`."""
        edge = next((edge for edge in self.edges if edge.plan.name == name), None)
        if edge is None:
            raise NoEdge(name, (edge.plan.name for edge in self.edges))
        return self.taps.tap(self.cells[edge.plan.source], edge, take)

    def own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` as a task of this session."""
        task = self._tasks.start(work, name=f"{self.session} graph")
        self._owned.add(task)
        task.add_done_callback(self._owned.discard)
        return task

    def serve(self, cell: Cell) -> None:
        """Start the task of an asynchronous node."""
        if cell.plan.asynchronous:
            name = f"{self.session} {cell.name}"
            cell.task = self._tasks.start(self.flow.serve(cell), name=name, context=cell.context)

    async def _stop(self) -> None:
        """End every reply, stop all work, close the nodes in the order sound flows, all within `STOP_S`."""
        if self.stopping:
            return
        self.stopping = True
        self.fence.cut("session ends")
        self.deadlines.stop()
        for cell in self.cells.values():
            cell.closing = True
            self.untick(cell)
        hung = await self._tasks.stop(CLOSE_S)
        if hung:
            log.warning("tasks did not stop", extra={"session": self.session, "tasks": hung})
        until = self.clock.s() + STOP_S - CLOSE_S
        for cell in self.cells.values():
            await self.close(cell, within_s=min(CLOSE_S, max(until - self.clock.s(), 0.1)))
        self.end("stopped")

    # nodes

    def place(self, cell: Cell, plan: PlanNode) -> None:
        """Build a new instance of `plan` into `cell`; what the old one still emits goes nowhere."""
        for task in tuple(cell.spawned):
            task.cancel()
        self.untick(cell)
        retire(cell)
        self.build(cell, plan)
        self.wiring.link(cell)

    def build(self, cell: Cell, plan: PlanNode) -> None:
        """Build an instance of `plan` into `cell`; what it emits goes nowhere yet."""
        cell.running = plan
        cell.node = self.engine.kind(plan)(plan.settings, NodeContext(self, cell))
        self.wiring.equip(cell, self._pool(cell))

    def cell(self, plan: PlanNode) -> Cell:
        """A new place for `plan`, beside the graph; it loads until it is put in."""
        cell = Cell(plan, self._slow)
        cell.wake = self.flow.wake
        return cell

    async def close(self, cell: Cell, *, within_s: float = CLOSE_S) -> None:
        """Close the node inside `cell` for good."""
        await self.supervisor.close(cell, within_s=within_s)
        retire(cell)
        self.engine.workers.release(self._pool(cell))

    def start_source(self, cell: Cell) -> None:
        if type(cell.node).is_source() and not cell.failed and not cell.paused:
            self.spawn(cell, cell.node.run(), 0)

    def spawn(self, cell: Cell, work: Coroutine[Any, Any, None], gen: int) -> asyncio.Task[None]:
        """Start a task that belongs to `cell` and dies with `gen`."""
        task = self._tasks.start(guarded(self.supervisor, cell, work, gen), name=f"{self.session} {cell.name}")
        cell.spawned[task] = gen

        def done(_: asyncio.Task[None]) -> None:
            cell.spawned.pop(task, None)
            work.close()  # cancelled before its first step: nobody will ever await it

        task.add_done_callback(done)
        if self.stopping or not self.fence.alive(gen):
            task.cancel()
        return task

    def each_tick(self, cell: Cell, call: Callable[[int], None]) -> Callable[[], None]:
        guard = Guard(self.supervisor, cell)

        def tick(skipped: int) -> None:
            with guard, cell.booked():
                call(skipped)

        untick = self.engine.ticker.subscribe(tick)
        cell.tickers.append(untick)
        return untick

    def mark(self, trace: int, name: str, ns: int | None = None) -> None:
        if trace not in self.marks:
            self.marks[trace] = []
            if len(self.marks) > UTTERANCES_KEPT:
                self.marks.popitem(last=False)
        moment = self.clock.ns() if ns is None else ns
        if all(name != known for known, _ in self.marks[trace]):
            self.marks[trace].append((name, moment))
            self.events.publish("mark", trace=trace, code=name, ns=moment)

    def edge(self, plan: PlanEdge, target: Cell) -> Edge:
        """A new edge of `plan` into `target`."""
        return GatedEdge(plan, target, self._alarm, self.fence) if plan.gated else Edge(plan, target, self._alarm)

    def untick(self, cell: Cell) -> None:
        """End the ticks of `cell`."""
        for untick in cell.tickers:
            untick()
        cell.tickers.clear()

    def _pool(self, cell: Cell) -> str:
        return f"node:{self.session}:{cell.name}:{id(cell):x}"

    # turns

    def _after_cut(self, cut: TurnCut) -> None:
        """Tell every node, then stop the work of the dead generation: clean-up, nothing depends on it."""
        self.deadlines.forget(cut.gen)
        for cell in self.cells.values():
            if not cell.paused and not cell.failed:
                with Guard(self.supervisor, cell), cell.booked():
                    cell.node.cut(cut)
        self._end_work(cut)
        for edge in self.edges:
            if edge.room is not None:
                edge.room.set()
        self._open_gates()

    def _end_work(self, cut: TurnCut) -> None:
        """What is heard of the user is wanted, whether it is answered or not, unless nobody ever meant the reply."""
        meant = self.fence.committed[cut.gen]
        if not meant:
            self.marks.pop(cut.trace, None)  # the utterance goes on, and will have other moments
        for cell in self.cells.values():
            concerned = cell.plan.lane == "reply" or not meant
            if concerned and cell.task and cell.works_for(cut.gen, cut.trace) and not cell.cutting:
                cell.cutting = True
                cell.task.cancel()
            for task, gen in tuple(cell.spawned.items()):
                if gen == cut.gen:
                    task.cancel()

    def _open_gates(self) -> None:
        for edge in self.edges:
            if isinstance(edge, GatedEdge):
                edge.release()

    # news

    def _slow(self, cell: Cell, seconds: float) -> None:
        """A step of `cell` held up the loop. Not told on virtual time, where the event log must not depend on it."""
        if not self.clock.virtual and self.clock.s() - self._named.get(cell.name, -SLOW_NAMED_S) >= SLOW_NAMED_S:
            self._named[cell.name] = self.clock.s()
            self.events.publish("slow", node=cell.name, value=seconds * 1e3)

    def _alarm(self, edge: Edge) -> None:
        if len(edge.queue) == ALARM:
            self.events.publish("alarm", node=edge.plan.target, text=edge.plan.name, value=ALARM)

    def _bug(self, error: BaseException) -> None:
        log.error("the engine failed", extra={"session": self.session}, exc_info=error)
        self.end(f"bug: {type(error).__name__}")

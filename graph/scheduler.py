"""The running graph of one session: builds the nodes of a plan, moves frames between them, and stops them in order."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any

from vaidol.graph.cell import Cell
from vaidol.graph.clock import busy_ns
from vaidol.graph.context import NodeContext
from vaidol.graph.edges import Edge
from vaidol.graph.engine import Engine
from vaidol.graph.events import EventLog
from vaidol.graph.frames import Frame
from vaidol.graph.generations import DEAD, Fence, Turn, TurnCut
from vaidol.graph.plan import ALARM, Plan, PlanNode
from vaidol.graph.supervisor import CLOSE_S, Guard, Supervisor, guarded

SLOW_NS = 10_000_000  # a synchronous step longer than this is named: it held up every session of the process
UTTERANCES_KEPT = 64


class Graph:
    """One session's nodes and edges, running between `async with`.

    `ends` are the outside ends that nodes ask for by name: the peer of a call, a file. Frames move when a node emits:
    into synchronous nodes at once, through one list per session so that no call nests; into asynchronous nodes by
    their mailbox.
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
        stand_ins = {node.fallback for node in plan.nodes if node.fallback}
        wired = {name for edge in plan.edges for name in (edge.source, edge.target)}
        self.cells = {n.name: Cell(n) for n in plan.nodes if n.name not in stand_ins or n.name in wired}
        self.edges = [Edge(edge, self.cells[edge.target], self._alarm) for edge in plan.edges]
        self._ready: deque[tuple[Edge, Frame]] = deque()  # emptied before the emitting step returns
        self._draining = False
        self._owned: set[asyncio.Task[None]] = set()
        self._tickers: dict[str, list[Callable[[], None]]] = {}
        self._tasks = asyncio.TaskGroup()
        for edge in self.edges:
            self.cells[edge.plan.target].ins.append(edge)
        for cell in self.cells.values():
            self.place(cell, cell.plan)
        self.fence.on_cut(self._after_cut)
        self.fence.on_begin(self._watch_first_audio)

    # life

    async def __aenter__(self) -> Graph:
        """Open every node, those at the end first, so that nobody emits into a closed one; then start the sources."""
        await self._tasks.__aenter__()
        try:
            order = list(reversed(self.cells.values()))
            for cell in order:
                await self.supervisor.opened(cell)
            for cell in order:
                if cell.plan.asynchronous:
                    cell.task = self._tasks.create_task(self._serve(cell), name=f"{self.session} {cell.name}")
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
        busy = any(
            cell.current is not None or cell.order or cell.spawned or cell.restarting for cell in self.cells.values()
        )
        return not busy and not self.fence.turns and not self._ready and not self._owned

    def own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` as a task of this session."""
        task = self._tasks.create_task(work)
        self._owned.add(task)
        task.add_done_callback(self._owned.discard)
        return task

    async def _stop(self) -> None:
        """Sources first, then the others, in the order sound flows; every wait has a deadline."""
        self.fence.cut("session ends")
        for cell in self.cells.values():
            tasks = [*cell.spawned, *([cell.task] if cell.task else [])]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=CLOSE_S)
            for untick in self._tickers.pop(cell.name, []):
                untick()
            await self.supervisor.close(cell)
        for task in self._owned:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)
        self.end("stopped")

    # nodes

    def place(self, cell: Cell, plan: PlanNode) -> None:
        """Build a new instance of `plan` into `cell`."""
        for task in tuple(cell.spawned):
            task.cancel()
        for untick in self._tickers.pop(cell.name, []):
            untick()
        kind = self.engine.registry.find(plan.kind)
        cell.node = kind(plan.settings, NodeContext(self, cell))
        _, ports = kind.ports(plan.settings)
        edges = [edge for edge in self.edges if edge.plan.source == cell.name]
        cell.outs = {port.name: tuple(e for e in edges if e.plan.source_port == port.name) for port in ports}
        cell.node.emit = self._emitter(cell)
        cell.node.send = self._sender(cell)

    def start_source(self, cell: Cell) -> None:
        if type(cell.node).is_source() and not cell.failed and not cell.restarting:
            self.spawn(cell, cell.node.run(), 0)

    def spawn(self, cell: Cell, work: Coroutine[Any, Any, None], gen: int) -> asyncio.Task[None]:
        """Start a task that belongs to `cell` and dies with `gen`."""
        task = self._tasks.create_task(guarded(self.supervisor, cell, work), name=f"{self.session} {cell.name}")
        cell.spawned[task] = gen
        task.add_done_callback(lambda done: cell.spawned.pop(done, None))
        return task

    def each_tick(self, cell: Cell, call: Callable[[int], None]) -> Callable[[], None]:
        def tick(skipped: int) -> None:
            with Guard(self.supervisor, cell):
                call(skipped)

        untick = self.engine.ticker.subscribe(tick)
        self._tickers.setdefault(cell.name, []).append(untick)
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

    # frames

    def _emitter(self, cell: Cell) -> Callable[[str, Frame], None]:
        outs, life, ready, drain = cell.outs, self.fence.life, self._ready, self._drain

        def emit(port: str, frame: Frame) -> None:
            cell.sent += 1
            for edge in outs[port]:
                edge.entered += 1
                if edge.fenced and life[frame.gen] == DEAD:
                    edge.stale += 1
                elif edge.direct:
                    ready.append((edge, frame))
                else:
                    self._queue(edge, frame)
            if ready and not self._draining:
                drain()

        return emit

    def _sender(self, cell: Cell) -> Callable[[str, Frame], Awaitable[None]]:
        blocking = {port: self._blocking_behind(edges) for port, edges in cell.outs.items()}

        async def send(port: str, frame: Frame) -> None:
            for edge in blocking[port]:
                await edge.wait_for_room()
            cell.node.emit(port, frame)

        return send

    def _blocking_behind(self, edges: tuple[Edge, ...]) -> list[Edge]:
        """The blocking edges that a frame reaches from `edges` without passing an asynchronous node."""
        found, todo, seen = [], list(edges), set()
        while todo:
            edge = todo.pop()
            if edge.plan.name in seen:
                continue
            seen.add(edge.plan.name)
            if edge.plan.policy == "block" and not edge.direct:
                found.append(edge)
            elif edge.direct:
                todo += [after for after in self.edges if after.plan.source == edge.plan.target]
        return found

    def _queue(self, edge: Edge, frame: Frame) -> None:
        """Into a mailbox; over a feedback edge into a synchronous node: in a later step, so that no circle spins."""
        if edge.target.plan.asynchronous:
            edge.put(frame)
        else:
            edge.taken += 1
            asyncio.get_running_loop().call_soon(self._feed_back, edge, frame)

    def _feed_back(self, edge: Edge, frame: Frame) -> None:
        self._ready.append((edge, frame))
        if not self._draining:
            self._drain()

    def _drain(self) -> None:
        """Run synchronous nodes until the list is empty. A node that fails does not stop the others."""
        ready, life = self._ready, self.fence.life
        self._draining = True
        try:
            guard = Guard(self.supervisor, next(iter(self.cells.values())))
            while ready:
                with guard:
                    now = busy_ns()
                    while ready:
                        edge, frame = ready.popleft()
                        if edge.fenced and life[frame.gen] == DEAD:
                            edge.stale += 1
                            continue
                        edge.taken += 1
                        cell = guard.cell = edge.target
                        guard.frame = frame
                        cell.node.process(edge.port, frame)
                        then, now = now, busy_ns()
                        cell.count += 1
                        cell.busy_ns += now - then
                        if now - then > cell.slowest_ns:
                            self._slowest(cell, now - then)
        finally:
            self._draining = False

    async def _serve(self, cell: Cell) -> None:
        """The task of an asynchronous node: one frame after the other; a cut ends the frame's work, not the task."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        while True:
            try:
                if not cell.order or cell.restarting:
                    cell.waiter = loop.create_future()
                    await (self.clock.sleep(0.01) if cell.restarting else cell.waiter)
                    continue
                edge = cell.order.popleft()
                frame = edge.take()
                if edge.fenced and self.fence.life[frame.gen] == DEAD:
                    edge.taken -= 1
                    edge.stale += 1
                    continue
                await self._process(cell, edge.port, frame)
            except asyncio.CancelledError:
                if not cell.cutting or task is None:
                    raise
                cell.cutting = False
                if task.uncancel():  # the session is ending too
                    raise

    async def _process(self, cell: Cell, port: str, frame: Frame) -> None:
        cell.current = frame
        cell.sent = 0
        began = busy_ns()
        try:
            with Guard(self.supervisor, cell, frame):
                if cell.plan.place == "thread":
                    await self._process_on_thread(cell, port, frame)
                else:
                    await cell.node.process(port, frame)
        finally:
            cell.current = None
            cell.count += 1
            cell.busy_ns += busy_ns() - began

    async def _process_on_thread(self, cell: Cell, port: str, frame: Frame) -> None:
        """Run a synchronous node on its own thread; what it emits there leaves afterwards, on the loop."""
        emitted: list[tuple[str, Frame]] = []
        node, emit = cell.node, cell.node.emit
        node.emit = lambda out, made: emitted.append((out, made))
        try:
            await self.engine.workers.call(f"node:{self.session}:{cell.name}", node.process, port, frame)
        finally:
            node.emit = emit
        for out, made in emitted:
            emit(out, made)

    async def again(self, cell: Cell, frame: Frame) -> None:
        """Give a frame that failed to the stand-in now in `cell`."""
        port = next((edge.port for edge in cell.ins if isinstance(frame, edge.plan.frame)), None)
        if port is not None:
            if cell.plan.asynchronous:
                await self._process(cell, port, frame)
            else:
                with Guard(self.supervisor, cell, frame):
                    cell.node.process(port, frame)

    def _slowest(self, cell: Cell, ns: int) -> None:
        cell.slowest_ns = ns
        if ns > SLOW_NS:
            cell.slow += 1
            self.events.publish("slow", node=cell.name, value=ns / 1e6)

    def _alarm(self, edge: Edge) -> None:
        if len(edge.queue) == ALARM:
            self.events.publish("alarm", node=edge.plan.target, text=edge.plan.name, value=ALARM)

    # turns

    def _after_cut(self, cut: TurnCut) -> None:
        """Tell every node, then stop the work of the dead generation: clean-up, nothing depends on it."""
        for cell in self.cells.values():
            with Guard(self.supervisor, cell):
                cell.node.cut(cut)
        for cell in self.cells.values():
            if cell.task and cell.plan.lane == "reply" and cell.current is not None and cell.current.gen == cut.gen:
                cell.cutting = True
                cell.task.cancel()
            for task, gen in tuple(cell.spawned.items()):
                if gen == cut.gen:
                    task.cancel()
        for edge in self.edges:
            if edge.room is not None:
                edge.room.set()

    def _watch_first_audio(self, turn: Turn) -> None:
        """A reply without any sound in time has failed: nobody waits for ever."""
        limit_s = self.plan.turn.first_audio_ms / 1000

        def check() -> None:
            if turn.status is None and not turn.spoke:
                message = f"no answer within {limit_s:g} s"
                self.events.publish("error", gen=turn.gen, text=message, code="deadline")
                self.fence.fail(turn.gen, message)

        self.clock.at(self.clock.s() + limit_s, check)

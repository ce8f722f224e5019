"""How frames move: one list of what is due, synchronous nodes at once, the first step of asynchronous ones as well."""

from __future__ import annotations

import asyncio
from asyncio.tasks import _enter_task, _leave_task  # documented: "Extending asyncio", task lifetime support
from collections import deque
from typing import Any

from vaidol.graph.cell import Cell
from vaidol.graph.clock import Clock, busy_s
from vaidol.graph.edges import Edge
from vaidol.graph.frames import Frame
from vaidol.graph.generations import DEAD, Fence
from vaidol.graph.histogram import bucket
from vaidol.graph.supervisor import Guard, Supervisor
from vaidol.graph.tasks import Steps
from vaidol.graph.worklog import WorkLog


class Flow:
    """Moves the frames of one session, in the order they were emitted.

    `emit` puts frames on a list that the outermost emitter empties before it returns, so that no call nests. An
    asynchronous node that waits for work takes its first step there and then, with its own task as the current one;
    only when that step has to wait does the task go on with it. So a frame costs no turn of the event loop unless
    somebody really waits.
    """

    def __init__(self, fence: Fence, supervisor: Supervisor, clock: Clock) -> None:
        self.work = WorkLog(clock)
        self._life = fence.life
        self._committed = fence.committed
        self._supervisor = supervisor
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.ready: deque[tuple[Edge, Frame]] = deque()  # emptied before the emitting step returns
        self.draining = False
        self.drained_s = 0.0  # spent in `drain`, so that nobody books the work of others as his own
        self._outer: asyncio.Task[Any] | None = None  # the emitting task, while others are the current one

    @property
    def idle(self) -> bool:
        return not self.ready

    # into the next ones

    def drain(self) -> None:
        """Run what is due until the list is empty. A node that fails does not stop the others."""
        ready, life, committed = self.ready, self._life, self._committed
        self.draining = True
        began = now = busy_s()
        try:
            while ready:
                edge, frame = ready.popleft()
                try:
                    while True:
                        if life[frame.gen] == DEAD and (edge.fenced or not committed[frame.gen]):
                            edge.stale += 1
                        elif edge.direct:
                            edge.taken += 1
                            cell = edge.target
                            cell.step(edge.port, frame)
                            then = now
                            now = busy_s()
                            spent = now - then
                            cell.busy_s += spent
                            if spent > cell.notice_s:
                                cell.notice(spent)
                        elif edge.eager and (waiter := edge.target.waiter) is not None and not waiter.done():
                            now = self._begin(edge, frame, now)
                        else:
                            edge.put(frame)
                        if not ready:
                            break
                        edge, frame = ready.popleft()
                except Exception as error:  # noqa: BLE001  # the one place: a node may fail in any way
                    self._supervisor.failed(edge.target, frame, error, edge=edge)
                    now = busy_s()
        finally:
            self.draining = False
            self._emitter_again()
            self.drained_s += busy_s() - began

    def _emitter_again(self) -> None:
        """Make the emitting task the current one again, after first steps of others."""
        if self._outer is not None:
            _enter_task(self._loop, self._outer)
            self._outer = None

    def _begin(self, edge: Edge, frame: Frame, began: float) -> float:
        """Take the first step of an asynchronous node that waits for work. Returns the time after it."""
        cell, loop = edge.target, self._loop
        task: Any = cell.task  # it waits for work
        if self._outer is None and (outer := asyncio.current_task(loop)) is not None:
            _leave_task(loop, outer)
            self._outer = outer  # until the list is empty
        edge.taken += 1
        cell.current, cell.current_edge = frame, edge
        cell.begun_s = self.work.now()
        work = cell.step(edge.port, frame)
        _enter_task(loop, task)
        try:
            first = cell.context.run(work.send, None)
        except StopIteration:
            cell.current = None
            self.work.note(frame.trace, cell.name, cell.begun_s, 0.0)
        except asyncio.CancelledError:
            cell.current = None
            if not cell.cutting:
                raise RuntimeError("something it awaited had been cancelled") from None
        except BaseException:
            cell.current = None
            raise
        else:
            cell.handed = (work, first, edge)
            if cell.waiter is not None and not cell.waiter.done():  # not cut within this very step
                cell.waiter.set_result(None)
        finally:
            _leave_task(loop, task)
            now = busy_s()
            spent = now - began
            cell.busy_s += spent
            if spent > cell.notice_s:
                cell.notice(spent)
        return now

    # what waits

    def wake(self, cell: Cell) -> None:
        """Something waits in `cell.order`."""
        if cell.plan.asynchronous:
            if cell.waiter is not None and not cell.waiter.done():
                cell.waiter.set_result(None)
        elif not cell.paused and not cell.pumping:
            cell.pumping = True
            self._loop.call_soon(self.pump, cell)

    def pause(self, cell: Cell) -> None:
        """Let frames wait in the edges into `cell`."""
        for edge in cell.ins:
            edge.shut()

    def proceed(self, cell: Cell) -> None:
        """What waited goes in, then everything as always."""
        if not cell.plan.asynchronous:
            while not cell.paused and any(not edge.plan.feedback for edge in cell.order):
                self.pump(cell)
        if cell.paused:
            return
        for edge in cell.ins:
            edge.open()
        self.wake(cell)

    def pump(self, cell: Cell) -> None:
        """Give a synchronous node what waits for it now; what comes meanwhile takes another step of the loop."""
        cell.pumping = False
        for _ in range(len(cell.order)):
            if cell.paused or not cell.order:
                break
            edge = cell.order.popleft()
            frame = edge.take()
            if self._worthless(edge, frame):
                continue
            with Guard(self._supervisor, cell, frame, edge), cell.booked():
                cell.step(edge.port, frame)

    def _worthless(self, edge: Edge, frame: Frame) -> bool:
        """Of a dead reply; in the input lane, where what the user said counts, only of one that was never meant."""
        dead = self._life[frame.gen] == DEAD and (edge.fenced or not self._committed[frame.gen])
        if dead:
            edge.taken -= 1
            edge.stale += 1
        return dead

    async def serve(self, cell: Cell) -> None:
        """The task of an asynchronous node: one frame after the other; a cut ends the frame's work, not the task."""
        while True:
            cut: asyncio.CancelledError | None = None
            try:
                await self._wait_for_work(cell)
            except asyncio.CancelledError as error:
                if cell.handed is None and (cell.closing or not cell.cutting):
                    raise
                cut = error
            handed, cell.handed = cell.handed, None
            if handed is not None:
                work, first, edge = handed
                await self._finish(cell, edge, Steps(cell, work, first, cut), cell.begun_s, 0.0)
            elif cell.order and not cell.paused and cut is None:
                await self._serve_one(cell)
            if cell.cutting:
                await self._outlive(cell)

    async def _wait_for_work(self, cell: Cell) -> None:
        if (cell.order and not cell.paused) or cell.handed is not None:
            return
        cell.waiter = self._loop.create_future()
        try:
            await cell.waiter
        finally:
            cell.waiter = None

    async def _serve_one(self, cell: Cell) -> None:
        edge = cell.order.popleft()
        waited_s = busy_s() - edge.queue[0][1]
        frame = edge.take()
        if self._worthless(edge, frame):
            return
        cell.current, cell.current_edge = frame, edge
        began_s = self.work.now()
        with Guard(self._supervisor, cell, frame, edge):
            await self._finish(cell, edge, Steps(cell, cell.step(edge.port, frame)), began_s, waited_s)
        if edge.plan.feedback:
            await self._clock.sleep(0)  # a circle of nodes that never wait would hold the loop for ever

    async def _finish(self, cell: Cell, edge: Edge, work: Steps, began_s: float, waited_s: float) -> None:
        """Run the work on one frame, or its rest, to the end."""
        began, trace = busy_s(), cell.current.trace if cell.current is not None else 0
        try:
            with Guard(self._supervisor, cell, cell.current, edge):
                try:
                    await work
                except asyncio.CancelledError:
                    if cell.closing or (not cell.cutting and cell.cancelling):
                        raise
                    if not cell.cutting:
                        raise RuntimeError("something it awaited had been cancelled") from None
        finally:
            cell.current = None
            spent = busy_s() - began
            cell.waited_s += spent
            cell.times[bucket(spent)] += 1
            self.work.note(trace, cell.name, began_s, waited_s)

    async def _outlive(self, cell: Cell) -> None:
        """Take back the cancellation of a cut, after it has landed, so that it does not hit the next frame's work."""
        task = cell.task
        try:
            if task is not None and task.cancelling():
                await self._clock.sleep(0)
        except asyncio.CancelledError:
            if cell.closing:
                raise
        cell.cutting = False
        while task is not None and task.cancelling():
            task.uncancel()

"""The tasks of one session, and one step of a coroutine at a time."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from vaidol.graph.cell import Cell
from vaidol.graph.clock import busy_s

Work = Coroutine[Any, Any, None]


class Tasks:
    """All tasks of one session.

    Not an `asyncio.TaskGroup`: that one waits for ever for a task that ignores its cancellation, and it belongs to
    the task that opened it, while a call may be ended from another. Failures of nodes never get here: the supervisor
    has them. `on_bug` hears of anything else.
    """

    def __init__(self, on_bug: Callable[[BaseException], None]) -> None:
        self._on_bug = on_bug
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Work, *, name: str, context: contextvars.Context | None = None) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name, context=context)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    async def stop(self, within_s: float) -> list[str]:
        """Cancel all and wait; returns the names of those that are still running after `within_s`."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=within_s)
        return [task.get_name() for task in self._running if not task.done()]

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_bug(error)


class Steps:
    """Awaits `coroutine` and books the processor time of each of its steps on `cell`.

    A coroutine whose first step was taken already hands over what that step yielded (`first`): then `await Steps(…)`
    goes on from there, as if the awaiting task had taken the first step itself.
    """

    __slots__ = ("cell", "coroutine", "error", "first")

    def __init__(self, cell: Cell, coroutine: Work, first: Any = Ellipsis, error: BaseException | None = None) -> None:
        self.cell = cell
        self.coroutine = coroutine
        self.first = first
        self.error = error

    def __await__(self) -> Generator[Any, Any, None]:
        return self  # type: ignore[return-value]  # an iterator with send, throw and close: all that await asks for

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        if self.first is not Ellipsis:
            return self._hand_over()
        cell = self.cell
        began, others_s = busy_s(), cell.others.drained_s
        try:
            return self.coroutine.send(value)
        finally:
            cell.book(began, others_s)

    def throw(self, error: BaseException | type[BaseException], value: BaseException | None = None, *_: Any) -> Any:
        self.first = Ellipsis
        with self.cell.booked():
            return self.coroutine.throw(error if value is None else value)

    def close(self) -> None:
        self.coroutine.close()

    def _hand_over(self) -> Any:
        """`error` is a cancellation that came between the first step and now: as in any task it goes to what is
        awaited, and where nothing is, into the coroutine."""
        first, self.first = self.first, Ellipsis
        if self.error is not None:
            return first if first is not None and first.cancel() else self.throw(self.error)
        return self.send(None) if first is None or first.done() else first

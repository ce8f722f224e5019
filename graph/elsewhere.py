"""What lives outside this process, from this side: asked one thing at a time, found again when it is gone.

Both ways a message is its length (8 bytes) and its body; subclasses know what is in it, and how the other side is
reached. A cut never waits for it, and its end is an error of the call under way and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from vaidol.graph.clock import Clock
from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Need, Progress
from vaidol.graph.worker import LENGTH, Told

log = logging.getLogger("vaidol.graph")
WAITING_MAX = 64  # calls that may wait for one of them
LOAD_S = 600.0
BACKOFF_S, BACKOFF_MAX_S = 0.2, 10.0  # before the first restart in a row, and before any
STEADY_S = 60.0  # one that lived so long is restarted as if it were the first time
LONGEST = 1 << 30  # bytes of one message
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Elsewhere(ABC):
    """A place outside this process and what it has loaded; see `vaidol.graph.hosts.Host`."""

    what: ClassVar[str]  # for messages: "process"
    hung_s: ClassVar[float] = 60.0  # without an answer for so long, it is given up; what callers wait is up to them
    unreadable: ClassVar[tuple[type[Exception], ...]]  # what `_read` raises

    def __init__(self, need: Need, clock: Clock) -> None:
        self._need, self._clock = need, clock
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._progress: Progress = _nobody
        self._turn = asyncio.Lock()  # first come, first served
        self._waiting = self._number = 0
        self._asked: asyncio.Future[Any] | None = None  # the request under way, also when its caller has gone
        self._hung: asyncio.TimerHandle
        self._free = asyncio.Event()
        self._closed = False
        self._again_s = 0.0  # the last wait before a restart
        self._error = ""  # why it could not be loaded again
        self.ready = False
        self.restarts = 0

    # what subclasses know

    @abstractmethod
    async def _reached(self) -> Streams:
        """Reach the other side. Raises `ProviderError`."""

    @abstractmethod
    def _written(self, number: int, function: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
        """The request `function(thing, *args)`; number 0: load the thing by `function(progress)`."""

    @abstractmethod
    def _read(self, body: bytes) -> Told:
        """An answer. Raises one of `unreadable`."""

    def _let_go(self) -> str:
        """The other side is not needed any more; returns how it ended."""
        return "the connection broke"

    @abstractmethod
    def kill(self) -> None:
        """Give the other side up; it is started, or reached, again."""

    # what all do

    @property
    def behind(self) -> bool:
        return self._asked is not None and self._asked.cancelled()

    async def start(self, progress: Progress) -> None:
        """Reach the other side, and load there. Raises what the load raises, and `ProviderError`."""
        self._progress = progress
        reader, self._writer = await self._reached()
        self._own(self._listen(self._writer, reader))
        try:
            async with asyncio.timeout(LOAD_S):
                await self._ask(0, self._need.load, ())
        except BaseException:
            self._end()
            raise
        self.ready, self._error = True, ""

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """`function(thing, *args)` over there. Who is cancelled leaves at once, and the answer goes nowhere."""
        if self._waiting >= WAITING_MAX:
            said = f"the {self.what} of {self._need.about} is overloaded: {WAITING_MAX} calls wait for it"
            raise ProviderError(said, retryable=True, code="busy")
        self._waiting += 1
        try:
            async with self._turn:
                while self.ready and self._asked is not None:  # left behind by a caller who has gone
                    self._free.clear()
                    await self._free.wait()
                if not self.ready:
                    raise self._gone(self._error or "it is being started again")
                self._number += 1
                return await self._ask(self._number, function, args)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End it for good."""
        self._closed, self.ready = True, False
        for task in tuple(self._tasks):
            task.cancel()
        self._lose("it was ended")
        self._end()

    # asking

    async def _ask(self, number: int, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        message = self._written(number, function, args)
        self._asked = asyncio.get_running_loop().create_future()
        self._send(message)
        self._hung = self._clock.at(self._clock.s() + (self.hung_s if number else LOAD_S), self.kill)
        return await self._asked

    def _send(self, message: bytes) -> None:
        assert self._writer is not None
        self._writer.write(len(message).to_bytes(LENGTH, "little") + message)

    def _answered(self, told: Told) -> None:
        if told.progress >= 0:
            self._progress(told.progress, told.step)
            return
        asked, self._asked = self._asked, None
        self._hung.cancel()
        self._free.set()
        if asked is None or asked.done():
            return
        if told.error is not None:
            asked.set_exception(told.error)
        else:
            asked.set_result(told.result)

    # life

    async def _listen(self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
        """Take what comes from there, until it is gone; then start another."""
        try:
            while (message := await received(reader, LONGEST)) is not None:
                self._answered(self._read(message))
        except self.unreadable as error:
            log.error("a %s answers what is not known here", self.what, exc_info=error)
        if self._writer is not writer:
            return  # ended by ourselves
        was_ready, self.ready = self.ready, False
        how = self._end()
        self._lose(how)
        if was_ready and not self._closed:
            log.warning("a %s ended", self.what, extra={"need": self._need.key, "how": how})
            self._own(self._restart())

    async def _restart(self) -> None:
        """Start and load again, as often as it takes."""
        while not self.ready:
            self._again_s = min(max(2 * self._again_s, BACKOFF_S), BACKOFF_MAX_S)
            await self._clock.sleep(self._again_s)
            self.restarts += 1
            outcome = (await asyncio.gather(self.start(_nobody), return_exceptions=True))[0]
            if isinstance(outcome, BaseException):
                self._error = f"it cannot be started again: {outcome}"
        log.info("a %s runs again", self.what, extra={"need": self._need.key})
        self._clock.at(self._clock.s() + STEADY_S, self._steady)

    def _steady(self) -> None:
        if self.ready:
            self._again_s = 0.0

    def _lose(self, why: str) -> None:
        """Nobody will answer any more."""
        asked, self._asked = self._asked, None
        if asked is not None:
            self._hung.cancel()
            if not asked.done():
                asked.set_exception(self._gone(why))
        self._free.set()

    def _gone(self, why: str) -> ProviderError:
        return ProviderError(f"the {self.what} of {self._need.about} is gone: {why}", retryable=True, code="process")

    def _end(self) -> str:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        return self._let_go()

    def _own(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"{self.what} of {self._need.key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def received(reader: asyncio.StreamReader, longest: int) -> bytes | None:
    """The body of the next message; None when there is none any more, or it is longer than `longest`."""
    try:
        length = int.from_bytes(await reader.readexactly(LENGTH), "little")
        return await reader.readexactly(length) if length <= longest else None
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError, OSError):
        return None


def _nobody(done: float, step: str) -> None:
    """Nobody watches a restart."""

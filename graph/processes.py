"""Worker processes from the parent's side: started, asked, restarted with back-off, never waited for by a cut.

A worker is a fresh interpreter (no fork: threads and locks stay behind) with one thread for numerics. It keeps what one
`Need` loads, for all sessions. A crash in it is an error of the call under way and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from vaidol.graph.clock import Clock
from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Need, Progress
from vaidol.graph.worker import LENGTH, Told

log = logging.getLogger("vaidol.graph")
WAITING_MAX = 64  # calls that may wait for one process
HUNG_S = 60.0  # without an answer for so long, a process is killed; what callers wait is up to them
LOAD_S = 600.0
BACKOFF_S, BACKOFF_MAX_S = 0.2, 10.0  # before the first restart in a row, and before any
STEADY_S = 60.0  # a process that lived so long is restarted as if it were the first time
REAP_S = 2.0
UNREADABLE = (pickle.UnpicklingError, AttributeError, ImportError, TypeError, ValueError, IndexError)
LONGEST = 1 << 30  # bytes of one message
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Process:
    """A worker process and what it has loaded; see `vaidol.graph.hosts.Host`."""

    def __init__(self, need: Need, clock: Clock) -> None:
        self._need, self._clock = need, clock
        self._child: subprocess.Popen[bytes] | None = None
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

    @property
    def pid(self) -> int:
        """Of the process; 0 while there is none."""
        return self._child.pid if self._child is not None else 0

    @property
    def behind(self) -> bool:
        return self._asked is not None and self._asked.cancelled()

    async def start(self, progress: Progress) -> None:
        """Start the process and load in it. Raises what the load raises, and `ProviderError`."""
        self._progress = progress
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = _spawned(theirs)
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._send(pickle.dumps(sys.path))
        self._own(self._listen(self._child, reader))
        try:
            async with asyncio.timeout(LOAD_S):
                await self._ask(0, self._need.load, ())
        except BaseException:
            self._end_child()
            raise
        self.ready, self._error = True, ""

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """`function(thing, *args)` in the process; `function` and `args` are pickled.

        A caller who is cancelled leaves at once, and the answer goes nowhere.
        """
        if self._waiting >= WAITING_MAX:
            said = f"the process of {self._need.about} is overloaded: {WAITING_MAX} calls wait for it"
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

    def kill(self) -> None:
        """End the process; it is started again."""
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        """End it for good."""
        self._closed, self.ready = True, False
        for task in tuple(self._tasks):
            task.cancel()
        self._lose("it was ended")
        self._end_child()

    # asking

    async def _ask(self, number: int, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        message = pickle.dumps((number, function, args), pickle.HIGHEST_PROTOCOL)
        self._asked = asyncio.get_running_loop().create_future()
        self._send(message)
        self._hung = self._clock.at(self._clock.s() + (HUNG_S if number else LOAD_S), self.kill)
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

    async def _listen(self, child: subprocess.Popen[bytes], reader: asyncio.StreamReader) -> None:
        """Take what the process sends, until it is gone; then start another."""
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(LENGTH), "little")
                if length > LONGEST:
                    break
                self._answered(pickle.loads(await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except UNREADABLE as error:
            log.error("a worker process answers what is not known here", exc_info=error)
        if self._child is not child:
            return  # ended by ourselves
        was_ready, self.ready = self.ready, False
        self._end_child()
        self._lose(f"it ended with {_how(child.returncode)}")
        if was_ready and not self._closed:
            log.warning("a worker process ended", extra={"need": self._need.key, "how": _how(child.returncode)})
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
        log.info("a worker process runs again", extra={"need": self._need.key})
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
        return ProviderError(f"the process of {self._need.about} is gone: {why}", retryable=True, code="process")

    def _end_child(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._child is not None:
            self._child.kill()
            self._child.wait(REAP_S)
            self._child = None

    def _own(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"process of {self._need.key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _spawned(end: socket.socket) -> subprocess.Popen[bytes]:
    """A worker at `end` of a pair of sockets; it finds what this process finds. Takes a few ms."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "vaidol.graph.worker", str(end.fileno())],
        pass_fds=[end.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=2,  # what this process prints may be somebody's input
        start_new_session=True,  # signals of the terminal are for this process
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | dict.fromkeys(THREADS, "1"),
    )


def _nobody(done: float, step: str) -> None:
    """Nobody watches a restart."""


def _how(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

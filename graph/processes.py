"""Worker processes from the parent's side: started, asked, restarted with back-off, never waited for by a cut.

A worker is a fresh interpreter (no fork: threads and locks stay behind) with one thread for numerics. It keeps what one
`Need` loads, for all sessions. A crash in it is an error of the call under way and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from vaidol.graph.clock import Clock
from vaidol.graph.elsewhere import Elsewhere, Streams
from vaidol.graph.node import Need
from vaidol.graph.worker import Told

REAP_S = 2.0
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Process(Elsewhere):
    """A worker process and what it has loaded. What it is asked, and answers, is pickled."""

    what: ClassVar[str] = "process"
    unreadable = (pickle.UnpicklingError, AttributeError, ImportError, TypeError, ValueError, IndexError)

    def __init__(self, need: Need, clock: Clock) -> None:
        super().__init__(need, clock)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process; 0 while there is none."""
        return self._child.pid if self._child is not None else 0

    def kill(self) -> None:
        """End the process; it is started again."""
        if self._child is not None:
            self._child.kill()

    async def _reached(self) -> Streams:
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = _spawned(theirs)
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._send(pickle.dumps(sys.path))
        return reader, self._writer

    def _written(self, number: int, function: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
        return pickle.dumps((number, function, args), pickle.HIGHEST_PROTOCOL)

    def _read(self, body: bytes) -> Told:
        told: Told = pickle.loads(body)
        return told

    def _let_go(self) -> str:
        if self._child is None:
            return "it was ended"
        self._child.kill()
        code = self._child.wait(REAP_S)
        self._child = None
        return f"it ended with {_how(code)}"


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


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"

"""A worker process: `python -m vaidol.graph.worker FD` loads one thing and does what its parent asks, one at a time.

It is started and asked by `vaidol.graph.processes` alone, over a pair of sockets: length (8 bytes), pickle. When the
parent is gone, however it went, the socket ends, and so does the worker, whatever it is doing.
"""

from __future__ import annotations

import logging
import os
import pickle
import queue
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from vaidol.graph.errors import ProviderError

LENGTH = 8  # bytes before each message
log = logging.getLogger("vaidol.worker")


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker sends: how far a load is, or (with `progress` below 0) the answer to request `number`."""

    number: int
    progress: float = -1.0
    step: str = ""
    result: Any = None
    error: BaseException | None = None


class Caught:
    """`with caught:` keeps the `Exception` raised inside, to be sent to whoever asked."""

    error: Exception | None = None

    def __enter__(self) -> Caught:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self.error = error
        return isinstance(error, Exception)


class Worker:
    """Reads requests on a thread, answers them on the main one."""

    def __init__(self, parent: socket.socket) -> None:
        self._parent = parent
        self._asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def run(self) -> None:
        threading.Thread(target=self._listen, name="requests", daemon=True).start()
        sys.path[:] = pickle.loads(self._asked.get())
        loaded: Any = None
        while True:
            request = self._asked.get()
            number, result = 0, None
            with Caught() as caught:
                number, function, given = pickle.loads(request)
                if number == 0:
                    loaded = function(self._progress)
                else:
                    result = function(loaded, *given)
            self._answer(number, result, caught.error)

    def _progress(self, done: float, step: str) -> None:
        self._tell(pickle.dumps(Told(0, max(done, 0.0), step)))

    def _answer(self, number: int, result: Any, error: Exception | None) -> None:
        with Caught() as caught:
            message = pickle.dumps(Told(number, result=result, error=error), pickle.HIGHEST_PROTOCOL)
            if error is not None:
                pickle.loads(message)  # some errors can be written, and not read again
            self._tell(message)
        if caught.error is not None:
            log.error("no answer can be sent", exc_info=error or caught.error)
            said = f"{type(error).__name__}: {error}" if error else f"{caught.error}"
            self._tell(pickle.dumps(Told(number, error=ProviderError(said, code="process"))))

    def _tell(self, message: bytes) -> None:
        self._parent.sendall(len(message).to_bytes(LENGTH, "little") + message)

    def _listen(self) -> None:
        try:
            while True:
                length = int.from_bytes(self._read(LENGTH), "little")
                self._asked.put(self._read(length))
        finally:
            os._exit(0)  # without the parent there is nobody to work for, whatever the main thread is at

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._parent.recv(min(size, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    from vaidol.graph import worker  # by its own name, which is not that of the program: its classes are sent

    worker.Worker(socket.socket(fileno=int(sys.argv[1]))).run()

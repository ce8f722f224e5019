"""A thread that notices an event loop standing still, and names the node that holds it while it still does.

Steps longer than 10 ms are named by the meters once they are over (`Cell.notice`). This is for those that do not end.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from types import FrameType

from vaidol.graph.node import Node

log = logging.getLogger("vaidol.graph")
BEAT_S = 1.0  # the loop is asked for a sign of life this often
HUNG_S = 1.0  # and has this long to give it


class Watchdog:
    """Watches the loop of the thread that builds it. `hung` counts the times that it stood still."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, beat_s: float = BEAT_S, hung_s: float = HUNG_S) -> None:
        self.hung = 0
        self._loop = loop
        self._watched = threading.get_ident()
        self._beat_s, self._hung_s = beat_s, hung_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vaidol-watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._beat_s):
            alive = threading.Event()
            try:
                self._loop.call_soon_threadsafe(alive.set)
            except RuntimeError:  # the loop is closed
                return
            if alive.wait(self._hung_s) or self._stopped.is_set():
                continue
            self.hung += 1
            who, where = culprit(sys._current_frames().get(self._watched))
            log.error("the event loop stands still", extra={"node": who, "where": where})
            while not alive.wait(self._beat_s) and not self._stopped.is_set():
                pass


def culprit(frame: FrameType | None) -> tuple[str, str]:
    """The node whose method is running, "" when none is; and the innermost line, as "file:line"."""
    where = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, Node):
            return owner.ctx.node, where
        frame = frame.f_back
    return "", where

"""The session's event log: what happened when, bounded, with synchronous listeners (data channel, inspector, tests)."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vaidol.graph.clock import Clock

EVENTS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, `ns` on the session's clock.

    name: turn_begin, turn_done, turn_cut, turn_failed, hold, resume, state, error, node, mark, transcript, reply ...
    text is for the people in the call (never for logs); value is a figure in the unit the name implies.
    """

    ns: int
    name: str
    node: str = ""
    gen: int = 0
    trace: int = 0
    text: str = ""
    value: float = 0.0
    code: str = ""


class EventLog:
    """Last `EVENTS_KEPT` events and those who listen. Listeners run inline: they must be quick and must not raise."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._listeners: list[Callable[[Event], None]] = []

    def publish(
        self,
        name: str,
        *,
        node: str = "",
        gen: int = 0,
        trace: int = 0,
        text: str = "",
        value: float = 0.0,
        code: str = "",
        ns: int | None = None,
    ) -> None:
        event = Event(self._clock.ns() if ns is None else ns, name, node, gen, trace, text, value, code)
        self._kept.append(event)
        for listener in tuple(self._listeners):
            listener(event)

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with every later event; returns the function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def __iter__(self) -> Iterator[Event]:
        return iter(tuple(self._kept))

    def digest(self) -> str:
        """SHA-256 of the kept events: equal for two runs that went the same way on the virtual clock."""
        return hashlib.sha256("\n".join(map(repr, self._kept)).encode()).hexdigest()

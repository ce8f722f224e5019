"""One edge that one viewer listens to: what passes waits in a bounded queue until the viewer takes it."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable
from typing import Any

from vaidol.graph.frames import Audio, Frame, Utterance
from vaidol.graph.scheduler import Graph
from vaidol.server.inspector.masking import without
from vaidol.server.inspector.sounds import Sound

WAITING = 256  # frames
TEXT_MAX = 500  # characters of one text
STAMPS = {field.name for field in dataclasses.fields(Frame)}


class EdgeTap:
    """Collects what enters the edge `name` of `graph` from now on. On the loop its cost per frame is one append."""

    def __init__(self, number: int, graph: Graph, name: str, hidden: tuple[str, ...]) -> None:
        """Raises `NoEdge`."""
        self.number = number
        self.name = name
        self.sound = Sound(number)
        self._hidden = hidden
        self._clock = graph.clock
        self._waiting: deque[tuple[float, Frame]] = deque(maxlen=WAITING)
        self._came = self._taken = 0
        self.untap: Callable[[], None] = graph.tap(name, self._take)

    def _take(self, frame: Frame) -> None:
        self._came += 1
        self._waiting.append((self._clock.s(), frame))

    def messages(self, at_ms: float) -> list[dict[str, Any] | bytes]:
        """What came since; sound as bytes (see `sounds`), all else as one message."""
        rows = []
        lost = self._came - self._taken - len(self._waiting)
        self._taken = self._came
        while self._waiting:
            when_s, frame = self._waiting.popleft()
            if isinstance(frame, Audio | Utterance) and len(frame.samples):
                self.sound.add(frame.samples, frame.rate)
            if not isinstance(frame, Audio) or frame.final:
                rows.append(self._row(when_s, frame))
        found: list[dict[str, Any] | bytes] = list(self.sound.messages(at_ms))
        if rows or lost:
            found.append({"t": "frames", "tap": self.number, "lost": lost, "frames": rows})
        return found

    def _row(self, when_s: float, frame: Frame) -> dict[str, Any]:
        return {
            "at": round(when_s * 1000, 1), "frame": type(frame).__name__, "gen": frame.gen, "trace": frame.trace,
            "seq": frame.seq, "final": frame.final, "told": without(_told(frame), self._hidden),
        }  # fmt: skip


def _told(frame: Frame) -> str:
    """What a frame says, in one line."""
    if isinstance(frame, Audio):
        return "end of the sound"
    if isinstance(frame, Utterance):
        return f"{len(frame.samples) / frame.rate:.2f} s of sound"
    parts = []
    for field in dataclasses.fields(frame):
        if field.name not in STAMPS:
            value = getattr(frame, field.name)
            parts.append(f"{field.name} {_value(value)}")
    return ", ".join(part for part in parts if not part.endswith((" ", " None")))[:TEXT_MAX]


def _value(value: object) -> str:
    if isinstance(value, str):
        return f"“{value}”" if value else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value[:8]))}{', …' if len(value) > 8 else ''})" if value else ""
    if isinstance(value, Frame):
        return f"[{_told(value)}]"
    return str(value)

"""Where the time of every utterance went, from its marks: as plain data, and as a trace for Chrome or Perfetto."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from vaidol.graph.attribution import Segment
from vaidol.graph.events import Event

Marks = Mapping[int, Iterable[tuple[str, int]]]  # utterance -> (moment, clock ns)
Waits = Mapping[int, Iterable[Segment]]  # utterance -> what its wait was spent on
SHOWN = ("turn_begin", "turn_commit", "turn_spoke", "turn_done", "turn_cut", "turn_failed", "hold", "resume")


def waterfall(marks: Marks) -> list[dict[str, Any]]:
    """Every utterance, oldest first: `trace`, and its `moments` in order with `ms` since the user stopped speaking and
    `step_ms` since the moment before."""
    told = []
    for trace, moments in marks.items():
        ordered = sorted(moments, key=lambda moment: moment[1])
        if not ordered:
            continue
        origin = dict(ordered).get("speech_end", ordered[0][1])
        before = ordered[0][1]
        steps = []
        for name, ns in ordered:
            steps.append({"name": name, "ms": _ms(ns - origin), "step_ms": _ms(ns - before)})
            before = ns
        told.append({"trace": trace, "moments": steps})
    return told


def chrome_trace(
    marks: Marks, events: Iterable[Event], *, session: str = "", waits: Waits | None = None
) -> dict[str, Any]:
    """Trace Event Format: one row per utterance, one bar for what led to each moment, and what happened to replies.
    With `waits`, a second group of rows: what each wait was spent on.

    Open it in chrome://tracing or ui.perfetto.dev. Times are the session clock's, us.
    """
    found: list[dict[str, Any]] = [{"ph": "M", "pid": 1, "name": "process_name", "args": {"name": session or "vaidol"}}]
    for trace, moments in marks.items():
        ordered = sorted(moments, key=lambda moment: moment[1])
        found.append({"ph": "M", "pid": 1, "tid": trace, "name": "thread_name", "args": {"name": f"utterance {trace}"}})
        for (_, begin), (name, end) in pairwise(ordered):
            bar = {"ph": "X", "pid": 1, "tid": trace, "cat": "turn", "name": name}
            found.append({**bar, "ts": begin / 1000, "dur": (end - begin) / 1000})
    found += _spent(waits or {})
    for event in events:
        if event.name in SHOWN:
            about = {"gen": event.gen, "reason": event.code}
            instant = {"ph": "i", "s": "p", "pid": 1, "tid": event.trace, "cat": "reply", "name": event.name}
            found.append({**instant, "ts": event.ns / 1000, "args": about})
    return {"traceEvents": found, "displayTimeUnit": "ms"}


def _spent(waits: Waits) -> list[dict[str, Any]]:
    """The bars of the waits."""
    found: list[dict[str, Any]] = []
    for trace, segments in waits.items():
        found.append({"ph": "M", "pid": 2, "tid": trace, "name": "thread_name", "args": {"name": f"wait {trace}"}})
        for one in segments:
            bar = {"ph": "X", "pid": 2, "tid": trace, "cat": one.what, "name": one.node or one.what}
            found.append({**bar, "ts": one.begin / 1000, "dur": (one.end - one.begin) / 1000})
    return [{"ph": "M", "pid": 2, "name": "process_name", "args": {"name": "waits"}}, *found] if found else []


def _ms(ns: int) -> float:
    return round(ns / 1e6, 1)

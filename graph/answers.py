"""Every answer of a session as people look back on it: what was heard and said, and what the wait was spent on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container
from typing import TYPE_CHECKING, Any

from vaidol.graph.attribution import Segment, attribute, unattributed
from vaidol.graph.events import Event
from vaidol.graph.waterfall import waterfall
from vaidol.graph.worklog import UTTERANCES_KEPT, Span

if TYPE_CHECKING:
    from vaidol.graph.scheduler import Graph

NS_PER_MS = 1_000_000
ENDS = ("turn_done", "turn_cut", "turn_failed")
TELLING = {"mark", "transcript", "reply", "turn_begin", *ENDS}
TEXT_MAX = 2000  # characters of a transcript or a reply


def answers(graph: Graph, only: Container[int] | None = None, said: Said | None = None) -> list[dict[str, Any]]:
    """The utterances, oldest first: all in `waterfall`, and of each

    begin_ms (its first moment on the session's clock), heard, reply, status, segments (`what`, `node`, `ms` since the
    end of speech, `long_ms`), total_ms and unattributed (0..1) of the wait, and the work of the nodes on it (`node`,
    `ms`, `queue_ms`, `long_ms`). `only`: leave out all other utterances. `said`: what was said, for who follows the
    events; else they are read once more.
    """
    if said is None:
        said = Said()
        for event in graph.events:
            said.note(event)
    told = []
    marks = {trace: moments for trace, moments in graph.marks.items() if only is None or trace in only}
    for one in waterfall(marks):
        trace = one["trace"]
        moments = dict(graph.marks[trace])
        origin = moments.get("speech_end", min(moments.values()))
        segments = wait(graph, trace)
        told.append(
            {
                **one,
                "begin_ms": origin // NS_PER_MS,
                **said.about(trace),
                "segments": [_segment(segment, origin) for segment in segments],
                "total_ms": _ms(segments[-1].end - origin) if segments else None,
                "unattributed": round(unattributed(segments), 4),
                "work": [_work(span, origin) for span in graph.flow.work.spans(trace)],
            }
        )
    return told


def wait(graph: Graph, trace: int) -> list[Segment]:
    """What the wait for the answer to utterance `trace` was spent on."""
    pacers = {cell.name for cell in graph.cells.values() if type(cell.node).paces}
    return attribute(dict(graph.marks.get(trace, ())), graph.flow.work.spans(trace), pacers)


class Said:
    """By utterance: what was heard, what was answered, how that ended."""

    def __init__(self) -> None:
        self._about: OrderedDict[int, dict[str, str]] = OrderedDict()

    def note(self, event: Event) -> bool:
        """Take one event after the other; whether it has to do with an answer."""
        if event.name not in TELLING or not event.trace:
            return False
        about = self._about.setdefault(event.trace, {"heard": "", "reply": "", "status": ""})
        if event.name == "transcript":
            about["heard"] = event.text[:TEXT_MAX]
        elif event.name == "reply":
            about["reply"] = f"{about['reply']} {event.text}".strip()[:TEXT_MAX]
        elif event.name in ENDS:
            about["status"] = event.name.removeprefix("turn_")
        if len(self._about) > UTTERANCES_KEPT:
            self._about.popitem(last=False)
        return True

    def about(self, trace: int) -> dict[str, str]:
        return self._about.get(trace, {"heard": "", "reply": "", "status": ""})


def _segment(segment: Segment, origin: int) -> dict[str, Any]:
    long_ms = _ms(segment.end - segment.begin)
    return {"what": segment.what, "node": segment.node, "ms": _ms(segment.begin - origin), "long_ms": long_ms}


def _work(span: Span, origin: int) -> dict[str, Any]:
    return {
        "node": span.node, "ms": _ms(span.began - origin), "queue_ms": _ms(span.began - span.queued),
        "long_ms": _ms(span.ended - span.began),
    }  # fmt: skip


def _ms(ns: int) -> float:
    return round(ns / NS_PER_MS, 2)

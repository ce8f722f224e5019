"""Who worked on which utterance when, and what waited for it before: the waterfall's raw material."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from vaidol.graph.clock import NS, Clock, busy_s

UTTERANCES_KEPT = 64
SPANS_KEPT = 64  # of one node for one utterance; the first ones, which is what somebody waited for


class Span(NamedTuple):
    """One frame in one asynchronous node, ns on the session's clock: it queued, then it was worked on."""

    node: str
    queued: int
    began: int
    ended: int


class WorkLog:
    """The spans of the last utterances. Frames that belong to none leave nothing behind."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[int, dict[str, list[Span]]] = OrderedDict()
        self.now = clock.s if clock.virtual else busy_s  # the stopwatch of `note`

    def note(self, trace: int, node: str, began_s: float, waited_s: float) -> None:
        """`node` has just finished the work on a frame of `trace`, begun at `began_s` by `now`."""
        if not trace:
            return
        nodes = self._kept.get(trace)
        if nodes is None:
            nodes = self._kept[trace] = {}
            if len(self._kept) > UTTERANCES_KEPT:
                self._kept.popitem(last=False)
        spans = nodes.setdefault(node, [])
        if len(spans) < SPANS_KEPT:
            ended = self._clock.ns()
            began = ended - int((self.now() - began_s) * NS)
            spans.append(Span(node, began - int(waited_s * NS), began, ended))

    def spans(self, trace: int) -> list[Span]:
        """Those of one utterance, by when the work began."""
        return sorted((s for spans in self._kept.get(trace, {}).values() for s in spans), key=lambda span: span.began)

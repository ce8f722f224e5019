"""One session in one viewer's eyes: what there is to tell since it was last asked."""

from __future__ import annotations

from collections import deque
from typing import Any

from vaidol.graph.answers import Said, answers
from vaidol.graph.events import Event
from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.taps import NoEdge
from vaidol.server.inspector.changes import Changes
from vaidol.server.inspector.describe import described
from vaidol.server.inspector.masking import secrets, without
from vaidol.server.inspector.tap import EdgeTap

EVENTS_KEPT = 512  # that wait for a viewer
EVENTS_BEFORE = 200  # told of what happened before it came
EVENTS_AT_ONCE = 100
TAPS = 8  # per viewer
ANSWERS_EVERY_S = 0.5
Message = dict[str, Any]


class Watch:
    """Everything here reads; `close` leaves the session as it was found."""

    def __init__(self, graph: Graph, registry: Registry) -> None:
        self.graph = graph
        self._registry = registry
        self._plan: Plan | None = None  # as told
        self._changes = Changes()
        self._taps: dict[str, EdgeTap] = {}
        self._numbers = 0
        self._hidden: tuple[str, ...] = ()
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._before = list(graph.events)[-EVENTS_BEFORE:]
        self._stop_listening = graph.events.listen(self._events.append)
        self._said = Said()
        for event in graph.events:
            self._said.note(event)
        self._new: set[int] = set(graph.marks)  # utterances with news
        self._answered_s = 0.0

    def close(self) -> None:
        self._stop_listening()
        for tap in self._taps.values():
            tap.untap()
        self._taps.clear()

    # what the viewer wants

    def tap(self, edge: str, *, listen: bool) -> Message:
        """Begin, or change, listening at `edge`; the answer for the viewer."""
        tap = self._taps.get(edge)
        if tap is None:
            if len(self._taps) >= TAPS:
                return refused(edge, f"{TAPS} edges at once are the most; close one first")
            self._numbers = self._numbers % 0xFFFF + 1
            try:
                tap = self._taps[edge] = EdgeTap(self._numbers, self.graph, edge, self._hidden)
            except NoEdge as error:
                return refused(edge, str(error))
        tap.sound.listens = listen
        return {"t": "tapped", "edge": edge, "tap": tap.number, "listen": listen}

    def untap(self, edge: str) -> None:
        tap = self._taps.pop(edge, None)
        if tap is not None:
            tap.untap()

    # what there is to tell

    def messages(self) -> list[Message | bytes]:
        graph = self.graph
        found: list[Message | bytes] = []
        if self._plan is not graph.plan:
            found += self._planned(graph.plan)
        found.append(self._changes.after(graph, self._hidden))
        if self._events or self._before:
            found.append(self._happened())
        now_s = graph.clock.s()
        if self._new and now_s - self._answered_s >= ANSWERS_EVERY_S:
            found.append({"t": "answers", "answers": self._answers()})
            self._answered_s = now_s
        at_ms = now_s * 1000
        for tap in self._taps.values():
            found += tap.messages(at_ms)
        return found

    def _planned(self, plan: Plan) -> list[Message | bytes]:
        """The plan, anew after a swap; taps of edges that are gone end."""
        self._plan, self._changes = plan, Changes()
        self._hidden = secrets(plan)
        known = {edge.plan.name for edge in self.graph.edges}
        gone = [name for name in self._taps if name not in known]
        for name in gone:
            self.untap(name)
        told: list[Message | bytes] = [refused(name, "this edge is no longer there") for name in gone]
        return [{"t": "plan", "session": self.graph.session, "plan": described(plan, self._registry)}, *told]

    def _happened(self) -> Message:
        before, self._before = self._before, []
        news = [self._events.popleft() for _ in range(min(len(self._events), EVENTS_AT_ONCE))]
        self._new |= {event.trace for event in news if self._said.note(event)}
        return {"t": "events", "events": [self._row(event) for event in (*before, *news)]}

    def _row(self, event: Event) -> Message:
        return {
            "at": round(event.ns / 1e6, 1), "name": event.name, "node": event.node, "gen": event.gen,
            "trace": event.trace, "text": without(event.text, self._hidden), "value": event.value, "code": event.code,
        }  # fmt: skip

    def _answers(self) -> list[Message]:
        told = answers(self.graph, self._new, self._said)
        self._new = set()
        for one in told:
            one["heard"], one["reply"] = without(one["heard"], self._hidden), without(one["reply"], self._hidden)
        return told


def refused(edge: str, message: str) -> Message:
    """Why an edge cannot be listened to."""
    return {"t": "untapped", "edge": edge, "message": message}

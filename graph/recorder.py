"""The flight recorder: the last half minute of what went over chosen edges, always on, within a bound of memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaidol.graph.clock import NS, wall_s
from vaidol.graph.events import Event
from vaidol.graph.frames import Audio, Cue, Frame, Mark, Sentence, Speech, TextDelta, Transcript, Utterance
from vaidol.graph.plan import Plan, PlanEdge
from vaidol.graph.written import as_yaml, masked, secret_texts

if TYPE_CHECKING:
    from vaidol.graph.scheduler import Graph

SECONDS, BYTES = 30.0, 48_000_000
SMALL = 400  # bytes that a frame without sound counts for
PLAYED = "played"  # the port of every pacer at which its sound leaves
ALWAYS = (Utterance, Speech, Transcript, TextDelta, Sentence, Cue, Mark)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame that was sent from `port` (`node.port`) at `ns` on the session's clock."""

    ns: int
    port: str
    frame: Frame


@dataclass(frozen=True)
class Dump:
    """Everything a recording holds. `wall_s`: the time of day at which the clock was `ns`, s since 1970."""

    session: str
    pipeline: str
    written: str
    reason: str
    ns: int
    wall_s: float
    frames: list[Recorded]
    events: list[Event]
    marks: list[tuple[int, str, int]]
    """(utterance, moment, ns)"""
    secrets: tuple[str, ...] = ()
    """Never to be written."""


class Recorder:
    """Keeps references to frames: nothing is copied, so it costs an append for each, and the memory of their sound."""

    def __init__(self, graph: Graph, *, seconds: float = SECONDS, most_bytes: int = BYTES) -> None:
        self._graph = graph
        self._keep_ns = int(seconds * NS)
        self._most_bytes = most_bytes
        self._ring: deque[tuple[int, str, Frame, int]] = deque()  # bounded in `_take`
        self.held_bytes = 0
        self._taps: dict[str, tuple[str, Callable[[], None]]] = {}  # by port: the edge it is tapped at, what ends it
        self._stop = graph.events.listen(self._hear)
        self._choose()

    @property
    def ports(self) -> list[str]:
        """What is recorded."""
        return sorted(self._taps)

    def dump(self, reason: str) -> Dump:
        """What is kept now."""
        graph = self._graph
        self._trim(graph.clock.ns())
        since = graph.clock.ns() - self._keep_ns
        return Dump(
            graph.session, graph.plan.name, as_yaml(masked(graph.plan)), reason, graph.clock.ns(), wall_s(),
            [Recorded(ns, port, frame) for ns, port, frame, _ in self._ring],
            [event for event in graph.events if event.ns >= since],
            [(trace, name, ns) for trace, moments in graph.marks.items() for name, ns in moments if ns >= since],
            secret_texts(graph.plan),
        )  # fmt: skip

    def close(self) -> None:
        """Record no more, and forget everything."""
        self._stop()
        for _, untap in self._taps.values():
            untap()
        self._taps.clear()
        self._ring.clear()
        self.held_bytes = 0

    def _hear(self, event: Event) -> None:
        if event.name == "swap" and event.code == "applied":
            self._choose()

    def _choose(self) -> None:
        """Tap each port worth it at one of its edges; after a swap there may be others."""
        pacers = {name for name, cell in self._graph.cells.items() if type(cell.node).paces}
        wanted = {edge: port for port, edge in chosen(self._graph.plan, pacers).items()}
        for port, (edge, untap) in tuple(self._taps.items()):
            if wanted.get(edge) != port:
                untap()
                del self._taps[port]
        for edge, port in wanted.items():
            if port not in self._taps:
                self._taps[port] = (edge, self._graph.tap(edge, self._taker(port)))

    def _taker(self, port: str) -> Callable[[Frame], None]:
        ring, clock = self._ring, self._graph.clock

        def take(frame: Frame) -> None:
            now = clock.ns()
            size = frame.samples.nbytes if isinstance(frame, Audio | Utterance) else SMALL
            ring.append((now, port, frame, size))
            self.held_bytes += size
            if self.held_bytes > self._most_bytes or ring[0][0] < now - self._keep_ns:
                self._trim(now)

        return take

    def _trim(self, now: int) -> None:
        ring = self._ring
        while ring and (self.held_bytes > self._most_bytes or ring[0][0] < now - self._keep_ns):
            self.held_bytes -= ring.popleft()[3]


def chosen(plan: Plan, pacers: Container[str] = ()) -> dict[str, str]:
    """What is worth recording: by port (`node.port`), the name of one of its edges.

    All that is small, the sound of the microphone, that of replies, and what goes to `pacers`; not sound that a node
    only hands on.
    """
    kinds = {node.name: node for node in plan.nodes}
    fed = {edge.target for edge in plan.edges if not edge.feedback and edge.frame is Audio}

    def worth(edge: PlanEdge) -> bool:
        if edge.frame is not Audio:
            return edge.frame in ALWAYS
        if edge.source in pacers:  # as it leaves, not what is told of it before
            return edge.source_port == PLAYED
        ends = edge.source not in fed or edge.lane == "reply" or edge.target in pacers
        return ends and not kinds[edge.source].adapter

    found: dict[str, str] = {}
    for edge in plan.edges:
        if worth(edge):
            found.setdefault(f"{edge.source}.{edge.source_port}", edge.name)
    return found


def hidden(value: Any, secrets: tuple[str, ...], mask: str) -> Any:
    """`value` with every secret taken out of its texts."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, mask)
        return value
    if isinstance(value, dict):
        return {key: hidden(item, secrets, mask) for key, item in value.items()}
    return [hidden(item, secrets, mask) for item in value] if isinstance(value, list) else value

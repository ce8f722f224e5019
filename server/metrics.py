"""`/metrics` for Prometheus: what all sessions together did, by node, edge and pipeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiohttp import web

from vaidol.graph.cell import Cell
from vaidol.graph.clock import NS
from vaidol.graph.edges import Edge
from vaidol.graph.events import Event
from vaidol.graph.generations import DEAD
from vaidol.graph.histogram import BUCKETS
from vaidol.graph.scheduler import Graph
from vaidol.server.running import Running

if TYPE_CHECKING:
    from vaidol.server.app import Server

SERIES_MAX = 1000  # nodes, and edges; pipelines may be changed for ever, and what comes after that many is "other"
SLOW_S = 0.010  # a synchronous step longer than this is counted as slow
WAITS = tuple(range(6, 25, 2))  # powers of two of a microsecond: 64 us, 256 us ... 17 s
TURN_S = (0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
CUT_S = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.05, 0.1, 0.25)
GAP_S = (0.0001, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0)
RAMP_S = 0.003  # the pacer slides to silence within the packet after a cut

Key = tuple[str, ...]


@dataclass
class NodeSum:
    """What one node did in all sessions."""

    frames: int = 0
    busy_s: float = 0.0
    waited_s: float = 0.0
    errors: int = 0
    slow: int = 0
    times: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    asynchronous: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, cell: Cell) -> None:
        """Count what is in the meters of `cell`."""
        self.frames += cell.count
        self.busy_s += cell.busy_s
        self.waited_s += cell.waited_s
        self.errors += cell.errors
        self.slow += cell.slow
        self.times = [a + b for a, b in zip(self.times, cell.times, strict=True)]
        self.asynchronous = cell.plan.asynchronous
        self.counts = {
            name: self.counts.get(name, 0) + cell.counts.get(name, 0) for name in {**self.counts, **cell.counts}
        }


@dataclass
class EdgeSum:
    """What went over one edge in all sessions. `depth`: of those under way."""

    entered: int = 0
    taken: int = 0
    dropped: int = 0
    stale: int = 0
    depth: int = 0
    waits: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, edge: Edge, *, over: bool) -> None:
        """Count what is in the meters of `edge`."""
        self.entered += edge.entered
        self.taken += edge.taken
        self.dropped += edge.dropped
        self.stale += edge.stale
        self.depth += 0 if over else len(edge.queue)
        self.waits = [a + b for a, b in zip(self.waits, edge.waits, strict=True)]


class Sums:
    """Nodes and edges by their labels."""

    def __init__(self) -> None:
        self.nodes: dict[Key, NodeSum] = {}
        self.edges: dict[Key, EdgeSum] = {}

    def add(self, graph: Graph, name: str, *, over: bool) -> None:
        """Count what `graph` did under the pipeline `name`."""
        for cell in graph.cells.values():
            self._of(self.nodes, (name, cell.name, cell.running.kind), NodeSum).add(cell)
        for edge in graph.edges:
            self._of(self.edges, (name, edge.plan.name), EdgeSum).add(edge, over=over)

    def plus(self, other: Sums) -> None:
        """Begin with what `other` holds."""
        self.nodes = {key: NodeSum(**vars(known)) for key, known in other.nodes.items()}
        self.edges = {key: EdgeSum(**vars(known)) for key, known in other.edges.items()}

    @staticmethod
    def _of(table: dict[Key, Any], key: Key, made: Callable[[], Any]) -> Any:
        if key not in table and len(table) >= SERIES_MAX:
            key = ("other",) * len(key)
        return table.setdefault(key, made())


class Times:
    """A histogram with fixed bounds, by labels."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts: dict[Key, list[int]] = defaultdict(lambda: [0] * (len(bounds) + 1))
        self._sums: dict[Key, float] = defaultdict(float)

    def note(self, seconds: float, *labels: str) -> None:
        """It took so long."""
        at = next((i for i, bound in enumerate(self._bounds) if seconds <= bound), len(self._bounds))
        self._counts[labels][at] += 1
        self._sums[labels] += seconds

    def rows(self) -> Iterator[tuple[Key, list[tuple[str, float]], float]]:
        """Labels, (upper bound, how many up to it) and the sum, for each."""
        for labels, counts in self._counts.items():
            yield labels, cumulated(counts, self._bounds), self._sums[labels]


class Metrics:
    """Watches every session."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._over = Sums()  # of sessions that have ended
        self._running: dict[Graph, str] = {}  # and the pipeline they began with
        self.sessions = 0
        self.turns: dict[Key, int] = defaultdict(int)
        self.restarts: dict[Key, int] = defaultdict(int)
        self.swaps: dict[Key, int] = defaultdict(int)
        self.answers, self.cuts, self.gaps = Times(TURN_S), Times(CUT_S), Times(GAP_S)

    def attend(self, _: Running, graph: Graph) -> Callable[[], None]:
        """Count what `graph` does; returns what ends that."""
        self.sessions += 1
        self._running[graph] = graph.plan.name
        spoken: set[int] = set()
        graph.events.listen(lambda event: self._hear(graph, event, spoken))  # to its very end

        def end() -> None:
            self._over.add(graph, self._running.pop(graph), over=True)

        return end

    def sums(self) -> Sums:
        """Of all sessions so far."""
        sums = Sums()
        sums.plus(self._over)
        for graph, name in self._running.items():
            sums.add(graph, name, over=False)
        return sums

    async def serve(self, _: web.Request) -> web.Response:
        """GET /metrics: figures for Prometheus."""
        page = await self._server.engine.workers.call("metrics", import_module, "vaidol.server.prometheus")
        body, kind = page.text(self, self._server)
        return web.Response(body=body, headers={"Content-Type": kind})

    def _hear(self, graph: Graph, event: Event, spoken: set[int]) -> None:
        name = graph.plan.name
        if event.name == "mark" and event.code in ("first_sound", "client_playout"):
            began = dict(graph.marks.get(event.trace, ())).get("speech_end")
            if began is not None:
                self.answers.note((event.ns - began) / NS, name, event.code)
        elif event.name == "turn_spoke":
            spoken.add(event.gen)
        elif event.name in ("turn_done", "turn_cut", "turn_failed"):
            self._turn_over(graph, name, event, spoken)
        elif event.name in ("restarted", "fallback"):
            self.restarts[name, event.node, event.name] += 1
        elif event.name == "swap" and event.code in ("applied", "failed"):
            self.swaps[name, event.code] += 1
            if event.code == "applied":
                self.gaps.note(event.value / 1e3, name)

    def _turn_over(self, graph: Graph, name: str, event: Event, spoken: set[int]) -> None:
        if event.code != "abandoned":
            self.turns[name, event.name.removeprefix("turn_")] += 1
        if event.name == "turn_cut" and event.gen in spoken and not graph.stopping:
            self._time_silence(graph, name, event.ns)
        spoken -= {gen for gen in spoken if graph.fence.life[gen] == DEAD}

    def _time_silence(self, graph: Graph, name: str, since_ns: int) -> None:
        """The packet of the next tick slides to silence."""

        def tick(_: int) -> None:
            stop()
            self.cuts.note((graph.clock.ns() - since_ns) / NS + RAMP_S, name)

        stop = graph.engine.ticker.subscribe(tick)


def cumulated(counts: list[int], bounds: tuple[float, ...], *, at_once: int = 0) -> list[tuple[str, float]]:
    """(upper bound, how many up to it); `at_once`: so many more took no time; the last count is beyond all bounds."""
    found, seen = [], at_once
    for bound, count in zip(bounds, counts, strict=False):
        seen += count
        found.append((f"{bound:.6g}", float(seen)))
    return [*found, ("+Inf", float(at_once + sum(counts)))]


def by_powers(counts: list[int], powers: tuple[int, ...], *, at_once: int = 0) -> list[tuple[str, float]]:
    """The same from counters by powers of two of a microsecond."""
    found = [(f"{2**power / 1e6:.6g}", float(at_once + sum(counts[: power + 1]))) for power in powers]
    return [*found, ("+Inf", float(at_once + sum(counts)))]

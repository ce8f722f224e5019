"""The meters of a running graph as plain data: what the inspector, `/metrics` and `/api/sessions` show.

`snapshot` only reads counters that the loop's own steps keep, so it takes no lock and may be called ten times a second
from the loop; from another thread its parts may be a frame apart. Counters never go back: a rate is the difference of
two snapshots over the difference of their `at_ms`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from vaidol.graph.cell import Cell
from vaidol.graph.edges import Edge
from vaidol.graph.frames import Audio
from vaidol.graph.generations import ALIVE
from vaidol.graph.ticker import Ticker

if TYPE_CHECKING:
    from vaidol.graph.scheduler import Graph


class NodeMeters(TypedDict):
    """One node. Times in ms of processor-side wall time on the loop; `waited_ms` is spent waiting for the outside."""

    name: str
    kind: str
    lane: str
    state: str  # loading, idle, busy, restarting, failed
    stand_in: str | None  # the node that took over
    error: str  # the last one, as told to the people in the call
    errors: int
    restarts: int  # within the window of its `on_error`
    frames: int  # taken
    sent: int  # emitted, once per edge
    busy_ms: float
    waited_ms: float
    slowest_ms: float  # longest single step
    slow: int  # steps longer than 10 ms
    counts: dict[str, int]  # of the kind's own, by name


class EdgeMeters(TypedDict):
    """One edge: `entered = taken + dropped + stale + depth` between two steps."""

    name: str
    source: str
    source_port: str
    target: str
    target_port: str
    frame: str
    rate: int | None
    policy: str
    bound: int  # frames, 0 = bounded by `bound_ms`
    bound_ms: float
    lane: str
    feedback: bool
    entered: int
    taken: int
    dropped: int  # lost because the edge was full
    stale: int  # of dead generations
    depth: int
    depth_ms: float | None  # media time queued; None on edges without audio, and on those bounded by frames
    high: int  # most ever queued
    wait_p50_us: float
    wait_p99_us: float


class ReplyMeters(TypedDict):
    """A reply under way."""

    gen: int
    trace: int
    committed: bool
    spoke: bool
    error: str


class LoopMeters(TypedDict):
    """How late the shared 20 ms tick comes: what is late here is late for every session of the process."""

    ticks: int
    skipped: int  # ticks left out after a stall
    lag_ms: float  # worst of the last second
    lag_p50_us: float
    lag_p99_us: float
    hung: int  # times the loop stood still for more than a second


class Snapshot(TypedDict):
    """All of it."""

    session: str
    pipeline: str
    at_ms: float  # on the session's clock
    generation: int  # the one begun last
    replies: list[ReplyMeters]
    held: bool
    loop: LoopMeters
    nodes: list[NodeMeters]
    edges: list[EdgeMeters]
    marks: dict[int, dict[str, float]]  # by utterance: moment -> ms on the session's clock


def snapshot(graph: Graph) -> Snapshot:
    """Everything metered so far."""
    fence, engine = graph.fence, graph.engine
    replies: list[ReplyMeters] = [
        {"gen": t.gen, "trace": t.trace, "committed": fence.life[t.gen] == ALIVE, "spoke": t.spoke, "error": t.error}
        for t in fence.turns
    ]
    return {
        "session": graph.session,
        "pipeline": graph.plan.name,
        "at_ms": round(graph.clock.s() * 1e3, 3),
        "generation": fence.newest,
        "replies": replies,
        "held": fence.held,
        "loop": loop_meters(engine.ticker, engine.hung),
        "nodes": [node_meters(cell) for cell in graph.cells.values()],
        "edges": [edge_meters(edge) for edge in graph.edges],
        "marks": {
            trace: {name: round(ns / 1e6, 3) for name, ns in tuple(moments)} for trace, moments in graph.marks.items()
        },
    }


def node_meters(cell: Cell) -> NodeMeters:
    return {
        "name": cell.name,
        "kind": cell.running.kind,
        "lane": cell.plan.lane,
        "state": cell.state,
        "stand_in": cell.stand_in,
        "error": cell.error,
        "errors": cell.errors,
        "restarts": len(cell.restarts),
        "frames": cell.count,
        "sent": cell.sent,
        "busy_ms": round(cell.busy_s * 1e3, 3),
        "waited_ms": round(cell.waited_s * 1e3, 3),
        "slowest_ms": round(cell.slowest_s * 1e3, 3),
        "slow": cell.slow,
        "counts": dict(cell.counts),
    }


def edge_meters(edge: Edge) -> EdgeMeters:
    plan = edge.plan
    return {
        "name": plan.name,
        "source": plan.source,
        "source_port": plan.source_port,
        "target": plan.target,
        "target_port": plan.target_port,
        "frame": plan.frame.__name__,
        "rate": plan.rate,
        "policy": plan.policy,
        "bound": plan.bound,
        "bound_ms": plan.bound_ms,
        "lane": plan.lane,
        "feedback": plan.feedback,
        "entered": edge.entered,
        "taken": edge.taken,
        "dropped": edge.dropped,
        "stale": edge.stale,
        "depth": len(edge.queue),
        "depth_ms": round(edge.depth_ms, 3) if plan.frame is Audio and plan.bound_ms else None,
        "high": edge.high,
        "wait_p50_us": edge.wait_us(0.5),
        "wait_p99_us": edge.wait_us(0.99),
    }


def loop_meters(ticker: Ticker, hung: int) -> LoopMeters:
    return {
        "ticks": ticker.ticks,
        "skipped": ticker.skipped,
        "lag_ms": round(max(tuple(ticker.lately), default=0.0) * 1e3, 3),
        "lag_p50_us": ticker.lag_us(0.5),
        "lag_p99_us": ticker.lag_us(0.99),
        "hung": hung,
    }

"""The metrics in Prometheus' text format. Their names are stable: dashboards stand on them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from vaidol.server.metrics import SLOW_S, WAITS, EdgeSum, Metrics, NodeSum, Times, by_powers

if TYPE_CHECKING:
    from vaidol.server.app import Server

NODE, EDGE = ("pipeline", "node", "kind"), ("pipeline", "edge")


def text(metrics: Metrics, server: Server) -> tuple[bytes, str]:
    """The page and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Page(metrics, server))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Page(Collector):
    def __init__(self, metrics: Metrics, server: Server) -> None:
        self._metrics = metrics
        self._server = server

    def collect(self) -> Iterator[Metric]:
        """Everything, one family after the other."""
        yield from self._whole()
        sums = self._metrics.sums()
        yield from _nodes(sums.nodes)
        yield from _edges(sums.edges)
        yield from self._events()

    def _whole(self) -> Iterator[Metric]:
        server, ticker = self._server, self._server.engine.ticker
        yield InfoMetricFamily("vaidol", "This server", value={"version": server.version})
        yield GaugeMetricFamily("vaidol_sessions", "Calls under way", value=len(server.sessions))
        yield GaugeMetricFamily("vaidol_sessions_limit", "Calls allowed at one time", value=server.sessions.limit)
        yield CounterMetricFamily("vaidol_sessions_begun", "Calls begun", value=self._metrics.sessions)
        yield GaugeMetricFamily("vaidol_loop_tasks", "Tasks of the event loop", value=len(asyncio.all_tasks()))
        lag = HistogramMetricFamily("vaidol_loop_lag_seconds", "How late the 20 ms tick of the event loop came")
        lag.add_metric([], by_powers(ticker.lags, WAITS), None)
        yield lag
        yield CounterMetricFamily("vaidol_loop_skipped_ticks", "Ticks left out after a stall", value=ticker.skipped)
        yield CounterMetricFamily("vaidol_loop_hung", "Stalls of more than a second", value=server.engine.hung)

    def _events(self) -> Iterator[Metric]:
        metrics = self._metrics
        for name, about, labels, table in (
            ("vaidol_turns", "Replies that ended, by how", ("pipeline", "status"), metrics.turns),
            ("vaidol_node_restarts", "Nodes opened anew", ("pipeline", "node", "how"), metrics.restarts),
            ("vaidol_swaps", "Changes of running pipelines", ("pipeline", "outcome"), metrics.swaps),
        ):
            counter = CounterMetricFamily(name, about, labels=labels)
            for key, count in table.items():
                counter.add_metric(key, count)
            yield counter
        yield _times(
            "vaidol_voice_to_voice_seconds", "From the end of the user's speech to the first sound of the answer, as"
            " it leaves (first_sound) or is heard (client_playout)", ("pipeline", "at"), metrics.answers,
        )  # fmt: skip
        yield _times(
            "vaidol_cut_to_silence_seconds", "From an interruption to silence at the output", ("pipeline",),
            metrics.cuts,
        )  # fmt: skip
        yield _times(
            "vaidol_swap_gap_seconds", "How long the nodes concerned stood still for a change", ("pipeline",),
            metrics.gaps,
        )  # fmt: skip


def _nodes(nodes: dict[tuple[str, ...], NodeSum]) -> Iterator[Metric]:
    latency = HistogramMetricFamily(
        "vaidol_node_latency_seconds",
        "Work on one frame: of synchronous nodes up to 10 ms and longer, of others from their first wait to the end",
        labels=NODE,
    )
    for key, node in nodes.items():
        if node.asynchronous:
            at_once = max(0, node.frames - sum(node.times))
            latency.add_metric(key, by_powers(node.times, WAITS, at_once=at_once), node.waited_s)
        else:
            quick = float(max(0, node.frames - node.slow))
            latency.add_metric(key, [(f"{SLOW_S:g}", quick), ("+Inf", float(node.frames))], node.busy_s)
    yield latency
    for name, about, attribute in (
        ("vaidol_node_frames", "Frames taken", "frames"),
        ("vaidol_node_busy_seconds", "Time in steps on the event loop", "busy_s"),
        ("vaidol_node_errors", "Failures", "errors"),
        ("vaidol_node_slow_steps", "Steps that held up the event loop for more than 10 ms", "slow"),
    ):
        counter = CounterMetricFamily(name, about, labels=NODE)
        for key, node in nodes.items():
            counter.add_metric(key, getattr(node, attribute))
        yield counter
    about = (
        "What nodes count themselves: sentences spoken and taken from_cache, tokens_in and tokens_out, tool_calls ..."
    )
    counted = CounterMetricFamily("vaidol_node_counted", about, labels=(*NODE, "what"))
    for key, node in nodes.items():
        for what, count in sorted(node.counts.items()):
            counted.add_metric((*key, what), count)
    yield counted


def _edges(edges: dict[tuple[str, ...], EdgeSum]) -> Iterator[Metric]:
    for name, about, attribute in (
        ("vaidol_edge_frames", "Frames that entered", "entered"),
        ("vaidol_edge_dropped", "Frames lost because the edge was full", "dropped"),
        ("vaidol_edge_stale", "Frames of dead replies, left out", "stale"),
    ):
        counter = CounterMetricFamily(name, about, labels=EDGE)
        for key, edge in edges.items():
            counter.add_metric(key, getattr(edge, attribute))
        yield counter
    depth = GaugeMetricFamily("vaidol_edge_depth", "Frames that wait, in all calls together", labels=EDGE)
    waits = HistogramMetricFamily("vaidol_edge_wait_seconds", "How long frames waited", labels=EDGE)
    for key, edge in edges.items():
        depth.add_metric(key, edge.depth)
        waits.add_metric(key, by_powers(edge.waits, WAITS, at_once=max(0, edge.taken - sum(edge.waits))), None)
    yield depth
    yield waits


def _times(name: str, about: str, labels: tuple[str, ...], times: Times) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, about, labels=labels)
    for key, buckets, total in times.rows():
        family.add_metric(key, buckets, total)
    return family

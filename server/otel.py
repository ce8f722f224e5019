"""OpenTelemetry, where it is wanted (extra `otel`): a span for every reply, and one for each of its stages.

Where they go is said by OpenTelemetry's own variables, such as OTEL_EXPORTER_OTLP_ENDPOINT. No word of what was said is
in them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING

from vaidol.graph.clock import NS, wall_s
from vaidol.graph.events import Event
from vaidol.graph.scheduler import Graph
from vaidol.server.running import Running

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDS = ("turn_done", "turn_cut", "turn_failed")


class NoOtel(RuntimeError):
    """The packages are missing; the message says which."""


def to_collector() -> TracerProvider:
    """Sends spans to a collector, in the background. Raises `NoOtel`."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise NoOtel(f"--otel needs more packages: pip install 'vaidol[otel]' ({error})") from None
    provider = TracerProvider(
        resource=Resource.create({"service.name": "vaidol", "service.version": version("vaidol")})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Spans:
    """Watches every session."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("vaidol")

    def attend(self, _: Running | None, graph: Graph) -> Callable[[], None]:
        """Tell the replies of `graph`; returns what ends that."""
        wall = int(wall_s() * NS) - graph.clock.ns()

        def hear(event: Event) -> None:
            if event.name in ENDS and event.code != "abandoned":
                self._reply(graph, event, wall)

        return graph.events.listen(hear)

    def _reply(self, graph: Graph, event: Event, wall: int) -> None:
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        moments = sorted(graph.marks.get(event.trace, ()), key=lambda moment: moment[1])
        if not moments:
            return
        reply = self._tracer.start_span("reply", start_time=moments[0][1] + wall)
        reply.set_attributes({
            "vaidol.session": graph.session, "vaidol.pipeline": graph.plan.name, "vaidol.turn": event.gen,
            "vaidol.ended": event.name.removeprefix("turn_"), "vaidol.reason": event.code,
        })  # fmt: skip
        if event.name == "turn_failed":
            reply.set_status(Status(StatusCode.ERROR))
        within = set_span_in_context(reply)
        for (_, begin), (name, end) in itertools.pairwise(moments):
            stage = self._tracer.start_span(f"to {name}", context=within, start_time=begin + wall)
            stage.end(end + wall)
        reply.end(max(event.ns, moments[-1][1]) + wall)

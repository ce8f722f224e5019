"""Spans: one for every reply with its stages, at the times of day when they happened, and no words in them."""

from __future__ import annotations

import asyncio

import pytest

from vaidol.graph.clock import wall_s
from vaidol.graph.scheduler import Graph
from vaidol.server.otel import Spans
from vaidol.tests.graph.swapping import during, talk


def test_a_reply_and_its_stages_become_spans() -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter, provider = memory.InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    spans = Spans(provider)

    async def do(graph: Graph) -> None:
        end = spans.attend(None, graph)
        graph.mark(1, "speech_end")
        await asyncio.sleep(0.2)
        graph.node("user").say("a secret word")
        graph.mark(1, "asr_done")
        await asyncio.sleep(0.3)
        graph.mark(1, "first_sound")
        graph.fence.cut("barge-in")
        end()

    during(talk(), do)
    told = {span.name: span for span in exporter.get_finished_spans()}
    assert set(told) == {"reply", "to asr_done", "to first_sound"}
    reply = told["reply"]
    attributes = dict(reply.attributes or {})
    assert (attributes["vaidol.ended"], attributes["vaidol.reason"]) == ("cut", "barge-in")
    assert reply.start_time is not None
    assert abs(reply.start_time / 1e9 - wall_s()) < 60
    for name, ms in (("to asr_done", 200), ("to first_sound", 300)):
        span = told[name]
        assert span.parent is not None
        assert span.parent.span_id == reply.context.span_id
        assert span.end_time is not None
        assert span.start_time is not None
        assert round((span.end_time - span.start_time) / 1e6) == ms
    assert "secret" not in "".join(span.to_json() for span in told.values())

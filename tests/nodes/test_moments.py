"""The moments of an utterance on its way through the graph: all of them told, in order, and a filler is none."""

from __future__ import annotations

from typing import Any

from tests.graphs import running
from tests.nodes.agent.talk import EDGES, HEARD, NODES, ScriptedAgent, idle
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.scheduler import Graph
from vaidol.graph.waterfall import waterfall

MOMENTS = ["first_token", "first_clause", "tts_first", "voice_first", "first_sound", "mouth_first"]


def moments(filler_ms: int) -> list[str]:
    """Names in the order in which they happened."""
    nodes: dict[str, Any] = {
        **NODES, "agent": (ScriptedAgent, {"prompt": "Be nice."}),
        "sentences": ("text.sentences", {"filler_ms": filler_ms}), "shift": ("voice.shift", {"pitch": 2}),
        "lips": "expression.lipsync", "page": "webrtc.data",
    }  # fmt: skip
    edges: list[Any] = [edge for edge in EDGES if edge != "voice.audio -> out.audio"] + [
        "voice.audio -> shift.audio", "shift.audio -> out.audio", "out.played -> lips.audio",
        "lips.mouth -> page.mouth", "out.spoken -> page.spoken", HEARD,
    ]  # fmt: skip

    async def main() -> Graph:
        async with running(nodes, edges, ends={"call": CallDouble()}) as graph:
            gen = graph.node("user").say("hello")
            graph.events.publish("transcript", gen=gen, text="hello")
            await idle(graph)
        return graph

    return [moment["name"] for moment in waterfall(run_virtual(main()).marks)[0]["moments"]]


def test_every_moment_is_told_in_order() -> None:
    told = moments(filler_ms=0)
    assert [name for name in told if name in MOMENTS] == MOMENTS


def test_a_filler_is_not_taken_for_the_answer() -> None:
    told = moments(filler_ms=10)
    assert told[0] == "filler"
    assert told.index("tts_first") > told.index("first_clause")
    assert told.index("first_sound") > told.index("first_clause")

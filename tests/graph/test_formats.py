"""Ports that do not fit get visible adapters, and so do stand-ins whose sound is another."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import PipelineError, ProviderError
from vaidol.graph.frames import Audio, Frame, TextDelta
from vaidol.graph.node import Node, Settings
from vaidol.graph.plan import Plan
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.tests.graph import kinds
from vaidol.tests.graphs import joined, sink, source


def compiled(nodes: dict[str, Any], edges: list[Any], **more: type[Node[Any]]) -> Plan:
    """`nodes`: kind, or the whole entry."""
    entries = {name: {"use": node} if isinstance(node, str) else node for name, node in nodes.items()}
    spec = {"version": 1, "name": "t", "nodes": entries, "edges": edges}
    return compile_plan(from_dict(spec), kinds.registry(**more))


def edges_of(plan: Plan) -> list[str]:
    return [edge.name for edge in plan.edges]


def test_rate_type_and_length_are_adapted_in_this_order_and_shown() -> None:
    voice = source(Audio, [], rate=24_000, dtype="f32")
    plan = compiled({"voice": "x.voice", "ear": "t.ear16"}, ["voice.out -> ear.audio"], voice=voice)
    assert [(node.name, node.kind) for node in plan.nodes if node.adapter] == [
        ("voice_to_ear_resample", "adapt.resample"),
        ("voice_to_ear_dtype", "adapt.dtype"),
        ("voice_to_ear_reframe", "adapt.reframe"),
    ]
    assert [edge.rate for edge in plan.edges] == [24_000, 16_000, 16_000, 16_000]
    assert edges_of(plan)[0] == "voice.out -> voice_to_ear_resample.audio"
    assert edges_of(plan)[-1] == "voice_to_ear_reframe.audio -> ear.audio"


def test_a_format_is_followed_through_nodes_that_repeat_it() -> None:
    same = compiled({"mic": "t.mic", "a": "t.through", "b": "t.athrough", "ear": "t.ear16"},
                    ["mic.audio -> a.audio", "a.audio -> b.audio", "b.audio -> ear.audio"])  # fmt: skip
    assert [node.kind for node in same.nodes if node.adapter] == ["adapt.dtype", "adapt.reframe"]
    assert {edge.rate for edge in same.edges} == {16_000}


def test_what_the_edge_says_about_a_full_queue_stays_at_its_end() -> None:
    edge = {"from": "mic.audio", "to": "out.audio", "policy": "latest"}
    plan = compiled({"mic": "t.mic", "out": "t.speaker"}, [edge])
    assert [(edge.policy, edge.bound) for edge in plan.edges][-1] == ("latest", 1)
    assert plan.edges[0].policy == "drop_oldest"


def test_rates_that_differ_may_not_meet_where_the_rate_goes_on() -> None:
    class Mixer(Node[Settings]):
        inputs = (Port("audio", Audio, many=True),)
        outputs = (Port("audio", Audio, like="audio"),)

    other = source(Audio, [], rate=24_000)
    nodes = {"mic": "t.mic", "other": "x.other", "mixer": "x.mixer", "ear": "t.ear"}
    edges = ["mic.audio -> mixer.audio", "other.out -> mixer.audio", "mixer.audio -> ear.audio"]
    with pytest.raises(
        PipelineError, match=r"mixer\.audio hands its rate on, and gets several: mic\.audio 16 kHz, other"
    ):
        compiled(nodes, edges, other=other, mixer=Mixer)


# stand-ins


class Voice(Node[Settings]):
    """Speaks at 24 kHz, until it fails."""

    inputs = (Port("text", TextDelta),)
    outputs = (Port("audio", Audio, rate=24_000, dtype="f32"),)
    rate = 24_000

    def process(self, port: str, frame: Frame) -> None:
        if frame.seq == 2:
            raise ProviderError("no more")
        self.speak(frame, np.full(self.rate // 10, 0.5, np.float32))

    def speak(self, frame: Frame, samples: Any) -> None:
        final = frame.seq == 3
        self.emit("audio", Audio(samples=samples, rate=self.rate, final=final, **frame.stamp()))


class OtherVoice(Voice):
    """Speaks at 16 kHz, in int16."""

    outputs = (Port("audio", Audio, rate=16_000, dtype="i16"),)
    rate = 16_000

    def process(self, port: str, frame: Frame) -> None:
        self.speak(frame, np.full(self.rate // 10, 16384, np.int16))


class Out(Node[Settings]):
    """Needs 24 kHz, as the first voice gives it."""

    inputs = (Port("in", Audio, rate=24_000, dtype="f32"),)

    def process(self, port: str, frame: Frame) -> None:
        self.__dict__.setdefault("got", []).append(frame)


SPEAKING = {
    "words": "x.words",
    "voice": {"use": "x.voice", "on_error": {"policy": "fallback"}, "fallback": "other"},
    "other": "x.other",
    "out": "x.out",
}
SPOKEN = ["words.out -> voice.text", "voice.audio -> out.in"]


def test_a_stand_in_of_another_rate_and_type_is_heard_at_the_right_pitch() -> None:
    more: dict[str, type[Node[Any]]] = {
        "words": source(TextDelta, [(0.1 * i, TextDelta(seq=i)) for i in range(4)]),
        "voice": Voice, "other": OtherVoice, "out": Out,
    }  # fmt: skip
    plan = compiled(SPEAKING, SPOKEN, **more)
    assert [node.kind for node in plan.nodes if node.adapter] == ["adapt.resample", "adapt.dtype"]
    assert plan.edges[1].rate is None, "it depends on who speaks"

    async def main() -> list[Audio]:
        engine = Engine(kinds.registry(**more))
        async with Graph(plan, engine) as graph:
            await asyncio.sleep(1)
            assert graph.cells["voice"].stand_in == "other"
        engine.close()
        return list(graph.node("out").got)

    heard = run_virtual(main())
    assert {frame.rate for frame in heard} == {24_000}
    samples = joined(heard)
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(4 * 2400, abs=4)
    assert np.abs(samples[100:2300] - 0.5).max() < 0.01
    assert np.abs(samples[4 * 2400 - 2300 : -100] - 0.5).max() < 0.05


def test_without_stand_in_the_same_graph_needs_no_adapter() -> None:
    plain = {**SPEAKING, "voice": "x.voice"}
    del plain["other"]
    plan = compiled(plain, SPOKEN, words=source(TextDelta, []), voice=Voice, out=Out)
    assert not any(node.adapter for node in plan.nodes)


class Picky(Voice):
    inputs = (Port("text", TextDelta), Port("mood", TextDelta))


class Listener(Node[Settings]):
    inputs = (Port("audio", Audio, rate=8_000),)


@pytest.mark.parametrize(
    ("node", "stand_in", "message"),
    [
        (Voice, Picky, r"'b' cannot stand in for 'a': nothing would feed its input mood \(TextDelta\)"),
        (Voice, Out, r"'b' cannot stand in for 'a': it has no port text \(TextDelta\)"),
    ],
)
def test_a_stand_in_that_does_not_fit_is_refused(
    node: type[Node[Any]], stand_in: type[Node[Any]], message: str
) -> None:
    nodes = {"words": "x.words", "a": {"use": "x.a", "fallback": "b"}, "b": "x.b", "out": "t.ear"}
    edges = ["words.out -> a.text", "a.audio -> out.audio"]
    with pytest.raises(PipelineError, match=message):
        compiled(nodes, edges, words=source(TextDelta, []), a=node, b=stand_in)


def test_a_stand_in_that_needs_another_rate_than_the_node_is_refused_and_one_that_alone_needs_one_gets_it() -> None:
    nodes = {"mic": "t.mic", "a": {"use": "x.a", "fallback": "b"}, "b": "x.b"}
    with pytest.raises(
        PipelineError, match=r"its input is audio \(Audio, 8 kHz\), and that of 'a' is audio \(Audio, 4"
    ):
        compiled(nodes, ["mic.audio -> a.audio"], a=sink_of(48_000), b=Listener)
    plan = compiled(nodes, ["mic.audio -> a.audio"], a=sink_of(None), b=Listener)
    assert [edge.rate for edge in plan.edges] == [16_000, 8_000]


def test_a_chain_of_stand_ins_is_checked_as_a_whole() -> None:
    voice = {"use": "x.a", "fallback": "b"}
    nodes = {"words": "x.words", "a": voice, "b": {"use": "x.b", "fallback": "c"}, "c": "x.c", "out": "x.out"}
    edges = ["words.out -> a.text", "a.audio -> out.in"]
    more = {"words": source(TextDelta, []), "a": Voice, "b": Voice, "out": Out}
    assert compiled(nodes, edges, c=OtherVoice, **more).node("b").lane == "input"
    with pytest.raises(PipelineError, match="'c' cannot stand in for 'a': nothing would feed its input mood"):
        compiled(nodes, edges, c=Picky, **more)


def sink_of(rate: int | None) -> type[Node[Any]]:
    listening = sink(Audio)
    listening.inputs = (Port("audio", Audio, rate=rate),)
    return listening

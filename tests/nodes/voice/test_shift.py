"""voice.shift in a graph: sentences leave whole, at their samples, with their flags; a cut forgets."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tests.graphs import feed, joined, pieces, play, sink, source
from vaidol import nodes as shipped
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import PipelineError
from vaidol.graph.frames import Audio, Sentence
from vaidol.graph.generations import TurnCut
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.nodes.voice.shift import ShiftSettings, ShiftVoice

RATE = 24_000
HUM = (0.3 * np.sign(np.sin(2 * np.pi * 150 * np.arange(RATE) / RATE))).astype(np.float32)


def frames(gen: int = 0, pts: int = 0, of: Sentence | None = None, *, final: bool = False) -> list[Audio]:
    made = [
        Audio(samples=frame.samples, rate=RATE, pts=pts + frame.pts, gen=gen, of=of)
        for _, frame in pieces(HUM[: RATE // 2], RATE, frame_ms=40)
    ]
    return [*made, Audio(rate=RATE, pts=pts + RATE // 2, gen=gen, of=of, sentence_end=True, final=final)]


def shift(given: list[Audio], **settings: object) -> list[Audio]:
    return feed(ShiftVoice, ShiftSettings.model_validate(settings), given)


def test_each_sentence_is_a_stream_of_its_own_and_leaves_whole() -> None:
    one, two = Sentence(text="one"), Sentence(text="two")
    given = [*frames(1, 0, one), *frames(1, RATE // 2, two, final=True)]
    out = shift(given, preset="child")
    for sentence in (one, two):
        mine = [frame for frame in out if frame.of is sentence]
        assert sum(len(frame.samples) for frame in mine) == RATE // 2
        assert mine[-1].sentence_end
        assert not any(frame.sentence_end for frame in mine[:-1])
    first, second = (joined([frame for frame in out if frame.of is one_of]) for one_of in (one, two))
    assert np.array_equal(first, second)
    assert [frame.pts for frame in out] == list(np.cumsum([0, *[len(frame.samples) for frame in out]])[:-1])
    assert out[-1].final


def test_in_a_worker_process_it_says_the_same() -> None:
    one, two = Sentence(text="one"), Sentence(text="two")
    given = [*frames(0, 0, one), *frames(0, RATE // 2, two, final=True)]
    alone = shift(given, preset="child")

    async def main() -> list[Audio]:
        registry = Registry(
            shipped.__name__, extra={"t.a": source(Audio, [], rate=RATE, dtype="f32", replies=True), "t.b": sink(Audio)}
        )
        voice = {"use": "voice.shift", "with": {"preset": "child"}, "place": "process"}
        spec = {"version": 1, "name": "t", "nodes": {"a": {"use": "t.a"}, "v": voice, "b": {"use": "t.b"}},
                "edges": ["a.out -> v.audio", "v.audio -> b.in"]}  # fmt: skip
        engine = Engine(registry)
        try:
            async with Graph(compile_plan(from_dict(spec), registry), engine, session="s") as graph:
                for frame in given:
                    await graph.node("a").send("out", frame)
                async with asyncio.timeout(30):
                    while len(graph.node("b").__dict__.get("got", [])) < len(alone):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                return [frame for _, frame in graph.node("b").got]
        finally:
            engine.close()

    far = asyncio.run(main())
    assert [(f.pts, f.of, f.sentence_end, f.final) for f in far] == [
        (f.pts, f.of, f.sentence_end, f.final) for f in alone
    ]
    assert all(frame.of in (one, two) for frame in far)
    assert np.array_equal(joined(far), joined(alone))


def test_a_stream_that_stops_without_saying_so_is_not_lost() -> None:
    given = [*frames(0)[:-1], *frames(0, 5 * RATE)[:-1]]
    out = shift(given, pitch=3)
    assert sum(len(frame.samples) for frame in out if frame.pts < RATE) == RATE // 2
    assert next(frame.pts for frame in out if frame.pts > RATE) == 5 * RATE


def test_a_cut_forgets_what_is_inside() -> None:
    node = ShiftVoice(ShiftSettings(pitch=4), None)  # type: ignore[arg-type]
    out: list[Audio] = []
    node.emit = lambda _, frame: out.append(frame)  # type: ignore[method-assign, assignment, return-value]
    for frame in frames(1)[:-1]:
        node.process("audio", frame)
    before = len(out)
    node.cut(TurnCut(1, 1, "test", "", 0.0, 0))
    for frame in frames(2, final=True):
        node.process("audio", frame)
    assert {frame.gen for frame in out[before:]} == {2}
    assert sum(len(frame.samples) for frame in out[before:]) == RATE // 2


def test_presets_are_changed_by_what_is_given() -> None:
    settings = ShiftSettings(preset="child", formant=0)
    assert (settings.shift().pitch, settings.shift().formant) == (6, 0)


@pytest.mark.parametrize(
    ("given", "said"), [({"preset": "chld"}, "child"), ({"pitch": 100}, "24"), ({"pich": 3}, "pitch")]
)
def test_mistakes_are_named(given: dict[str, object], said: str) -> None:
    nodes = {"a": source(Audio, [], rate=RATE, dtype="f32"), "v": ("voice.shift", given), "b": sink(Audio)}
    with pytest.raises(PipelineError, match=said):
        play(nodes, ["a.out -> v.audio", "v.audio -> b.in"])


def test_it_works_in_a_graph_at_the_rate_that_comes() -> None:
    script = [(0.04 * number, frame) for number, frame in enumerate(frames())]
    nodes = {
        "a": source(Audio, script, rate=RATE, dtype="f32"),
        "v": ("voice.shift", {"preset": "deep"}),
        "b": sink(Audio),
    }
    result = play(nodes, ["a.out -> v.audio", "v.audio -> b.in"])
    assert result.errors == []
    assert {frame.rate for frame in result.frames("b")} == {RATE}
    assert len(joined(result.frames("b"))) == RATE // 2

"""The engine in another program, as the documentation of `vaidol.graph` shows it."""

from __future__ import annotations

import asyncio
import textwrap
from typing import Any

import pytest

import vaidol.graph
from vaidol.graph import embed
from vaidol.graph.clock import run_virtual
from vaidol.graph.engine import Engine
from vaidol.graph.errors import PipelineError
from vaidol.graph.frames import TextDelta, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port


def test_the_example_of_the_documentation_runs_and_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    lines = (vaidol.graph.__doc__ or "").splitlines()
    code = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ") or not line))
    exec(compile(code, "example", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == "[0, 1, 2]\n27 0\n"


PIPELINE: dict[str, Any] = {
    "version": 1,
    "name": "t",
    "nodes": {
        "in": {"use": "ends.inlet", "with": {"frame": "Transcript"}},
        "out": {"use": "ends.outlet", "with": {"frame": "Transcript", "keep": 2}},
    },
    "edges": ["in.out -> out.in"],
}


def test_an_outlet_keeps_the_last_frames_or_hands_each_to_a_function() -> None:
    kinds = embed.registry()

    async def main() -> tuple[list[str], list[str]]:
        told: list[str] = []
        async with embed.running(embed.plan(PIPELINE, kinds), kinds) as graph:
            for text in "abc":
                graph.node("in").push(Transcript(text=text))
            kept = [frame.text for frame in graph.node("out").received]
            graph.node("out").on_frame = lambda frame: told.append(frame.text)
            graph.node("in").push(Transcript(text="d"))
        return kept, told

    assert run_virtual(main()) == (["b", "c"], ["d"])


def test_sessions_of_one_engine_do_not_mix() -> None:
    kinds = embed.registry()
    plan = embed.plan(PIPELINE, kinds)

    async def main() -> list[list[str]]:
        engine = Engine(kinds)
        async with embed.running(plan, kinds, engine=engine) as one, embed.running(plan, kinds, engine=engine) as two:
            one.node("in").push(Transcript(text="one"))
            two.node("in").push(Transcript(text="two"))
            heard = [[frame.text for frame in graph.node("out").received] for graph in (one, two)]
        engine.close()
        return heard

    assert asyncio.run(main()) == [["one"], ["two"]]


def test_a_reply_pushed_in_dies_with_its_generation() -> None:
    class Agent(Node[Settings]):
        inputs = (Port("text", TextDelta),)
        outputs = (Port("text", TextDelta),)
        replies = True

        def process(self, port: str, frame: TextDelta) -> None:
            self.emit("text", frame)

    kinds = embed.registry({"my.agent": Agent})
    nodes = {
        "in": {"use": "ends.inlet", "with": {"frame": "TextDelta"}},
        "agent": {"use": "my.agent"},
        "out": {"use": "ends.outlet", "with": {"frame": "TextDelta"}},
    }
    plan = embed.plan({**PIPELINE, "nodes": nodes, "edges": ["in.out -> agent.text", "agent.text -> out.in"]}, kinds)

    async def main() -> tuple[int, int]:
        async with embed.running(plan, kinds) as graph:
            gen = graph.fence.begin(1)
            graph.node("in").push(TextDelta(text="a", gen=gen))
            graph.fence.cut("enough")
            graph.node("in").push(TextDelta(text="b", gen=gen))
            return len(graph.node("out").received), graph.edges[1].stale

    assert run_virtual(main()) == (1, 1)


def test_every_mistake_of_a_dict_is_told() -> None:
    wrong = {"version": 3, "nodes": {"a": {"use": "ends.inlett"}, "b": {"use": "ends.outlet", "with": {"kep": 1}}}}
    with pytest.raises(PipelineError) as caught:
        embed.plan(wrong, embed.registry())
    told = str(caught.value)
    assert "<dict>: version: input should be 1, not 3" in told
    assert "<dict>: 'name' is missing" in told
    assert "did you mean 'ends.inlet'?" in told
    assert "node 'b': no setting 'kep' here; did you mean 'keep'?" in told

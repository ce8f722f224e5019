"""Who may speak and who gets to know: cuts, holds, speculation, and nodes whose work cannot be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import Frame, TextDelta, Transcript, Utterance
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.tests.graph.flows import balanced
from vaidol.tests.graphs import idle, running, sink, source


class Recognizer(Node[Settings]):
    """Needs a second for an utterance."""

    inputs = (Port("audio", Utterance),)
    outputs = (Port("text", Transcript),)

    async def process(self, port: str, frame: Utterance) -> None:  # type: ignore[override]
        await self.ctx.clock.sleep(1)
        self.emit("text", Transcript(text=f"words {frame.seq}", final=True, gen=frame.gen, trace=frame.trace))


class Notebook(Node[Settings]):
    """Notes in order what it is told: the user's words, and cuts."""

    inputs = (Port("user", Transcript),)
    outputs = (Port("text", TextDelta),)
    replies = True

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.notes: list[str] = []

    async def process(self, port: str, frame: Transcript) -> None:  # type: ignore[override]
        self.notes.append(frame.text)
        await self.ctx.clock.sleep(0.5)
        self.emit("text", TextDelta(text="answer", final=True, gen=frame.gen))

    def cut(self, cut: TurnCut) -> None:
        self.notes.append(f"cut {cut.gen}: {cut.reason}")


def test_the_words_of_a_superseded_utterance_reach_the_agent_behind_the_cut() -> None:
    async def main() -> list[str]:
        nodes = {"mic": source(Utterance, []), "asr": Recognizer, "agent": Notebook, "end": sink(TextDelta)}
        edges = ["mic.out -> asr.audio", "asr.text -> agent.user", "agent.text -> end.in"]
        async with running(nodes, edges) as graph:
            for seq in (1, 2):  # the user goes on while the first part is being recognized
                graph.node("mic").emit("out", Utterance(seq=seq, gen=graph.fence.begin(seq), trace=seq))
                await asyncio.sleep(0.3)
            await asyncio.sleep(10)
            assert len(graph.node("end").got) == 1
            balanced(graph)
            return list(graph.node("agent").notes)

    assert run_virtual(main()) == ["cut 1: superseded", "words 1", "words 2"]


@pytest.mark.parametrize("busy", [False, True])
def test_a_cut_is_told_to_the_agent_before_newer_words_though_they_wait_in_its_mailbox(busy: bool) -> None:
    async def main() -> list[str]:
        nodes = {"asr": source(Transcript, []), "agent": Notebook, "end": sink(TextDelta)}
        async with running(nodes, ["asr.out -> agent.user", "agent.text -> end.in"]) as graph:
            graph.node("asr").emit("out", Transcript(text="one", gen=graph.fence.begin(1), trace=1))
            await asyncio.sleep(0.1 if busy else 2)
            gen = graph.fence.begin(2)
            graph.node("asr").emit("out", Transcript(text="two", gen=gen, trace=2))
            await asyncio.sleep(2)
            return list(graph.node("agent").notes)

    assert run_virtual(main()) == ["one", "cut 1: superseded", "two"]


# speculation


class Tool(Node[Settings]):
    """Does something that cannot be taken back."""

    inputs = (Port("in", TextDelta),)
    effects = True
    replies = True

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.did: list[int] = []

    def process(self, port: str, frame: Frame) -> None:
        self.did.append(frame.seq)


class AsyncTool(Tool):
    """The same with a mailbox."""

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        await self.ctx.clock.sleep(0.01)
        self.did.append(frame.seq)


Scene = Callable[[Graph, Callable[[int, int], None]], Awaitable[None]]


def acted(scene: Scene, tool: type[Tool], *, replies: bool = True, **edge: Any) -> list[int]:
    """What the tool did in a scene that sends it `say(number, gen)`."""

    async def main() -> list[int]:
        nodes = {"agent": source(TextDelta, [], replies=replies), "tool": tool}
        async with running(nodes, [{"from": "agent.out", "to": "tool.in", **edge}]) as graph:
            await scene(graph, lambda seq, gen: graph.node("agent").emit("out", TextDelta(seq=seq, gen=gen)))
            await asyncio.sleep(1)
            balanced(graph)
            return list(graph.node("tool").did)

    return run_virtual(main())


@pytest.mark.parametrize("tool", [Tool, AsyncTool])
def test_effects_wait_for_the_commit_and_keep_their_order(tool: type[Tool]) -> None:
    async def scene(graph: Graph, say: Callable[[int, int], None]) -> None:
        gen = graph.fence.begin(1, speculative=True)
        for seq in (1, 2):
            say(seq, gen)
        say(3, 0)  # nothing overtakes
        await asyncio.sleep(1)
        assert graph.node("tool").did == []
        assert len(graph.edges[0].queue) == 3
        assert graph.fence.commit(gen)
        say(4, gen)

    assert acted(scene, tool) == [1, 2, 3, 4]


@pytest.mark.parametrize("replies", [False, True])
@pytest.mark.parametrize("tool", [Tool, AsyncTool])
def test_an_abandoned_speculation_has_no_effect(tool: type[Tool], replies: bool) -> None:
    async def scene(graph: Graph, say: Callable[[int, int], None]) -> None:
        gen = graph.fence.begin(1, speculative=True)
        say(1, gen)
        say(2, 0)
        graph.fence.abandon(gen)
        say(3, gen)  # a straggler
        say(4, graph.fence.begin(2))
        await asyncio.sleep(1)
        assert graph.edges[0].stale == 2
        assert not graph.fence.commit(gen)

    assert acted(scene, tool, replies=replies) == [2, 4]


@pytest.mark.parametrize("tool", [Tool, AsyncTool])
def test_what_waits_for_a_commit_is_bounded_too(tool: type[Tool]) -> None:
    async def scene(graph: Graph, say: Callable[[int, int], None]) -> None:
        gen = graph.fence.begin(1, speculative=True)
        for seq in range(10):
            say(seq, gen)
        assert graph.edges[0].dropped == 7
        graph.fence.commit(gen)

    assert acted(scene, tool, policy="drop_oldest", bound=3) == [7, 8, 9]


def test_a_commit_supersedes_older_replies_and_comes_too_late_for_a_dead_one() -> None:
    async def main() -> None:
        async with running({"a": source(TextDelta, []), "b": sink(TextDelta)}, ["a.out -> b.in"]) as graph:
            first = graph.fence.begin(1)
            second = graph.fence.begin(2, speculative=True)
            assert [turn.gen for turn in graph.fence.turns] == [first, second]
            assert graph.fence.commit(second)
            assert graph.fence.commit(second)  # again: nothing more happens
            assert [turn.gen for turn in graph.fence.turns] == [second]
            third = graph.fence.begin(3, speculative=True)
            graph.fence.spoke(second)
            graph.fence.abandon(second)  # it was heard
            graph.fence.abandon(third)
            graph.fence.abandon(third)
            assert not graph.fence.commit(third)
            assert [turn.gen for turn in graph.fence.turns] == [second]
            graph.fence.cut("test")
            names = [event.name for event in graph.events if event.name.startswith("turn_")]
            assert names == [
                "turn_begin",
                "turn_begin",
                "turn_cut",
                "turn_commit",
                "turn_begin",
                "turn_spoke",
                "turn_cut",
                "turn_cut",
            ]
            await idle(graph)

    run_virtual(main())

"""The greeting: spoken once to whoever joins, interrupted like any reply, remembered as far as it was heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.graphs import idle, running
from tests.nodes.agent.talk import EDGES, HEARD, NODES, ScriptedAgent, ends, errors
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent._memory import JOINS
from vaidol.nodes.agent._persona import load_persona

HI = "I am Bob and glad that you are here! What is new?"


def call(
    folder: Path, scene: Callable[[Graph, CallDouble], Awaitable[None]], *, early: bool = False, greet: bool = True
) -> tuple[Graph, list[str], list[str]]:
    """A call in which `scene` happens; returns what was spoken as subtitles, and what the agent remembers."""
    persona = folder / "bob.yaml"
    persona.write_text('name: Bob\nprompt: You are {name}.\ngreeting: "[wave] ' + HI.replace("Bob", "{name}") + '"\n')

    class Early(CallDouble):
        def on_join(self, take: Callable[[], None]) -> Callable[[], None]:
            take()
            return super().on_join(take)

    async def main() -> tuple[Graph, list[str], list[str]]:
        ear = Early() if early else CallDouble()
        agent = (ScriptedAgent, {"persona": str(persona), "greet": greet})
        nodes = {"page": "webrtc.data", **NODES, "agent": agent}
        edges = [*EDGES, "out.spoken -> page.spoken", HEARD]
        async with running(nodes, edges, ends={"call": ear}) as graph:
            await scene(graph, ear)
            await asyncio.sleep(1)
            await idle(graph)
            told = [message["content"] for message in graph.node("agent").memory.messages()[1:]]
        assert errors(graph) == []
        return graph, [message["text"] for message in ear.of("subtitle")], told

    return run_virtual(main())


async def joins(graph: Graph, ear: CallDouble) -> None:
    ear.join()


@pytest.mark.parametrize("early", [False, True])
def test_who_joins_is_greeted_and_it_is_remembered(tmp_path: Path, early: bool) -> None:
    async def waits(graph: Graph, ear: CallDouble) -> None:
        """The client was there before the nodes."""

    graph, spoken, told = call(tmp_path, waits if early else joins, early=early)
    assert " ".join(spoken) == HI
    assert told == [JOINS, HI]
    assert ends(graph) == ["turn_done"]


def test_who_comes_back_is_not_greeted_again(tmp_path: Path) -> None:
    async def twice(graph: Graph, ear: CallDouble) -> None:
        for _ in range(2):
            ear.join()
            await asyncio.sleep(9)

    assert " ".join(call(tmp_path, twice)[1]) == HI


def test_a_question_is_not_kept_waiting(tmp_path: Path) -> None:
    async def asks_at_once(graph: Graph, ear: CallDouble) -> None:
        ear.join()
        graph.node("user").say("hello")

    graph, spoken, told = call(tmp_path, asks_at_once)
    assert spoken[0].startswith("You said hello")
    assert told[0] == "hello"
    assert ends(graph) == ["turn_done"]


def test_an_interrupted_greeting_is_remembered_as_far_as_it_was_heard(tmp_path: Path) -> None:
    async def interrupts(graph: Graph, ear: CallDouble) -> None:
        ear.join()
        await asyncio.sleep(1.5)
        graph.node("user").say("hello")

    graph, _, told = call(tmp_path, interrupts)
    assert told[0] == JOINS
    assert HI.startswith(told[1])
    assert 5 < len(told[1]) < len(HI)
    assert told[2] == "hello"
    assert ends(graph) == ["turn_cut", "turn_done"]


def test_nobody_is_greeted_where_that_is_off_or_nobody_joins(tmp_path: Path) -> None:
    async def nothing(graph: Graph, ear: CallDouble) -> None:
        """As `vaidol run` does."""

    assert call(tmp_path, joins, greet=False)[1:] == ([], [])
    assert call(tmp_path, nothing)[1:] == ([], [])


def test_the_shipped_persona_has_a_greeting() -> None:
    assert "Vai" in load_persona("vai").hello()

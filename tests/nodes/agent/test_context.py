"""What no longer fits into the memory is summarised beside the conversation; on virtual time, by a script."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest

from tests.graphs import idle
from tests.nodes.agent.talk import ScriptedAgent, ends, errors, talk
from vaidol.graph.errors import ProviderError
from vaidol.graph.generations import TurnCut
from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent._context import WITHIN_S
from vaidol.nodes.agent._memory import ASKS, Message
from vaidol.nodes.agent._tokens import MESSAGE, estimate

MEMORY = 300
HEAD: list[Message] = [{"role": "system", "content": "Be nice."}]


class NotingAgent(ScriptedAgent):
    """Its notes are all the facts it is shown: words such as fact7."""

    takes_s = 1.0

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.notes: list[list[Message]] = []  # what was to be summarised
        self.begun: list[tuple[float, int]] = []  # when, and how many others were under way
        self.under_way = 0

    async def beside(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        assert messages[-1]["content"].endswith(ASKS)
        self.notes.append(messages)
        self.begun.append((self.ctx.clock.s(), self.under_way))
        self.under_way += 1
        try:
            await self.ctx.clock.sleep(self.takes_s)
            yield "[joy] The user named"
            for fact in facts(messages):
                yield f" {fact}"
        finally:
            self.under_way -= 1


class FailingAgent(NotingAgent):
    async def beside(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        self.notes.append(messages)
        yield "The user"
        raise ProviderError("no notes today")


class HangingAgent(NotingAgent):
    takes_s = 10_000.0


class EmptyAgent(NotingAgent):
    async def beside(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        self.notes.append(messages)
        yield " [joy] "


class AloneAgent(NotingAgent):
    """Its model does one thing at a time, and takes longer for notes than the user for a turn."""

    takes_s = 5.0
    crowded = True  # type: ignore[assignment]

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.beside_others: set[int] = set()

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        await asyncio.sleep(0)
        self.beside_others.add(self.under_way)
        async with aclosing(super().stream(messages)) as pieces:
            async for piece in pieces:
                yield piece


def facts(messages: list[Message]) -> list[str]:
    found = re.findall(r"fact\d+", " ".join(message["content"] for message in messages))
    return sorted(set(found), key=lambda fact: int(fact[4:]))


def size(messages: list[Message]) -> float:
    return sum(estimate(message["content"]) + MESSAGE for message in messages[len(HEAD) :])


def chatting(agent: type[NotingAgent], turns: int = 25, pause_s: float = 0.0, **how: Any) -> tuple[Graph, Any]:
    """The user names a fact in each of so many turns; returns the graph and its agent."""
    nodes: list[NotingAgent] = []

    async def scene(graph: Graph) -> None:
        nodes.append(graph.node("agent"))
        done = asyncio.Event()
        graph.events.listen(lambda event: done.set() if event.name == "turn_done" else None)
        for number in range(turns):
            done.clear()
            graph.node("user").say(f"fact{number}")
            await done.wait()
            await asyncio.sleep(pause_s)

    return talk(scene, agent=agent, memory=MEMORY, **how), nodes[0]


def counts(graph: Graph) -> dict[str, int]:
    return graph.cells["agent"].counts


@pytest.mark.parametrize("heard", [True, False])
def test_what_was_said_early_is_in_the_summary(heard: bool) -> None:
    graph, agent = chatting(NotingAgent, heard=heard)
    assert facts(graph.memory) == [f"fact{number}" for number in range(25)]  # type: ignore[attr-defined]
    first = graph.memory[len(HEAD)]["content"]  # type: ignore[attr-defined]
    assert first.startswith("(Said earlier: The user named fact0 fact1 ")
    assert len(agent.asked) == 25
    assert all(messages[: len(HEAD)] == HEAD for messages in agent.asked + agent.notes)
    assert max(map(size, agent.asked)) <= MEMORY
    assert 2 <= counts(graph)["summaries"] == len(agent.notes)
    assert errors(graph) == []


def test_a_request_for_notes_begins_as_the_turn_before_it_so_that_its_prompt_is_in_the_cache() -> None:
    _, agent = chatting(NotingAgent)
    assert agent.notes
    for notes in agent.notes:
        assert len(notes) > len(HEAD) + 3
        assert any(messages[: len(notes) - 1] == notes[:-1] for messages in agent.asked)


def test_without_summaries_the_oldest_is_forgotten() -> None:
    graph, agent = chatting(NotingAgent, summarise=False)
    assert agent.notes == []
    assert "fact0" not in facts(graph.memory)  # type: ignore[attr-defined]
    assert max(map(size, agent.asked)) <= MEMORY


@pytest.mark.parametrize("agent", [FailingAgent, HangingAgent, EmptyAgent])
def test_a_summary_that_fails_costs_nothing_but_details(agent: type[NotingAgent]) -> None:
    graph, failing = chatting(agent)
    plain, _ = chatting(NotingAgent, summarise=False)
    assert graph.memory == plain.memory  # type: ignore[attr-defined]
    assert ends(graph) == ["turn_done"] * 25
    assert errors(graph) == []
    assert len(failing.notes) >= 2
    assert counts(graph)["summaries_failed"] >= 1
    assert all(size(notes) < 2 * MEMORY + estimate(ASKS) for notes in failing.notes)


def test_no_answer_waits_for_a_summary() -> None:
    def first_tokens(agent: type[NotingAgent], **how: Any) -> list[int]:
        graph, _ = chatting(agent, **how)
        return [ns for trace in sorted(graph.marks) for name, ns in graph.marks[trace] if name == "first_token"]

    assert first_tokens(HangingAgent) == first_tokens(NotingAgent, summarise=False)


def test_one_summary_at_a_time_and_it_has_a_deadline() -> None:
    _, agent = chatting(HangingAgent, turns=30, pause_s=8)
    assert {others for _, others in agent.begun} == {0}
    assert len(agent.begun) > 2
    assert all(later - at >= WITHIN_S for (at, _), (later, _) in pairwise(agent.begun))


def test_a_turn_stops_the_summary_of_a_model_that_does_one_thing_at_a_time() -> None:
    graph, agent = chatting(AloneAgent)
    assert agent.beside_others == {0}
    assert len(agent.notes) > counts(graph).get("summaries", 0)
    graph, agent = chatting(AloneAgent, pause_s=6)
    assert facts(graph.memory) == [f"fact{number}" for number in range(25)]  # type: ignore[attr-defined]


def test_an_interrupted_reply_is_summarised_as_it_was_heard() -> None:
    cuts: list[TurnCut] = []
    nodes: list[NotingAgent] = []

    async def scene(graph: Graph) -> None:
        nodes.append(graph.node("agent"))
        graph.fence.on_cut(cuts.append)
        graph.node("user").say("fact0")
        await asyncio.sleep(2.5)
        graph.fence.cut("barge-in")
        for number in range(1, 25):
            graph.node("user").say(f"fact{number}")
            await idle(graph)

    talk(scene, agent=NotingAgent, memory=MEMORY)
    heard = cuts[0].heard_text
    assert 8 < len(heard) < 50
    assert nodes[0].notes[0][len(HEAD) + 1] == {"role": "assistant", "content": heard}

"""Changing who answers and who speaks: between two replies, in mid-sentence, and back when the new one fails."""

from __future__ import annotations

import asyncio

from vaidol.graph.scheduler import Graph
from vaidol.tests.graph.swapping import during, plan, talk


def heard(graph: Graph, gen: int) -> list[int]:
    """Who spoke the pieces of a reply."""
    return [frame.seq for frame in graph.node("out").heard if frame.gen == gen]


def test_by_default_the_voice_changes_between_two_replies() -> None:
    async def do(graph: Graph) -> None:
        first = graph.node("user").say("one")
        await asyncio.sleep(0.4)
        change = asyncio.ensure_future(graph.swaps.apply(plan(talk(voice={"gain": 2}))))
        await asyncio.sleep(0.3)
        assert graph.swaps.current is not None
        assert graph.swaps.current.step == "waiting"
        await change
        assert set(heard(graph, first)) == {1}
        assert len(heard(graph, first)) == 11
        second = graph.node("user").say("two")
        await asyncio.sleep(2)
        assert set(heard(graph, second)) == {2}
        assert graph.node("agent").told == ["one", "two"]

    during(talk(voice={"gain": 1}), do)


def test_now_means_in_mid_sentence_and_nothing_is_said_twice() -> None:
    async def do(graph: Graph) -> None:
        gen = graph.node("user").say("one")
        await asyncio.sleep(0.42)
        await graph.swaps.apply(plan(talk(voice={"gain": 2})), "now")
        await asyncio.sleep(2)
        who = heard(graph, gen)
        assert who == sorted(who)
        assert set(who) == {1, 2}
        texts = [frame.of.text for frame in graph.node("out").heard if frame.of]
        assert texts == [*(f"w{i} " for i in range(10)), ""]
        assert not graph.fence.turns

    during(talk(voice={"gain": 1}), do)


def test_an_agent_that_goes_in_mid_reply_ends_it_and_its_memory_lives_on() -> None:
    async def do(graph: Graph) -> None:
        gen = graph.node("user").say("one")
        await asyncio.sleep(0.42)
        await graph.swaps.apply(plan(talk(agent={"gain": 2})), "now")
        await asyncio.sleep(2)
        assert 2 < len(heard(graph, gen)) < 10
        assert not graph.fence.turns, "the reply ended by itself"
        graph.node("user").say("two")
        await asyncio.sleep(2)
        assert graph.node("agent").told == ["one", "two"]

    during(talk(), do)


def test_a_barge_in_while_a_change_waits_lets_it_through_and_nothing_stale_is_heard() -> None:
    async def do(graph: Graph) -> None:
        first = graph.node("user").say("one")
        await asyncio.sleep(0.4)
        change = asyncio.ensure_future(graph.swaps.apply(plan(talk(voice={"gain": 2}))))
        await asyncio.sleep(0.1)
        graph.fence.cut("barge-in")
        so_far = len(heard(graph, first))
        await asyncio.wait_for(change, 0.2)
        second = graph.node("user").say("two")
        await asyncio.sleep(2)
        assert len(heard(graph, first)) == so_far
        assert set(heard(graph, second)) == {2}

    during(talk(voice={"gain": 1}), do)


def test_a_new_node_that_fails_at_its_first_work_is_taken_back() -> None:
    async def do(graph: Graph) -> None:
        await graph.swaps.apply(plan(talk(voice={"gain": 2, "breaks": "work"})))
        graph.node("user").say("one")
        await asyncio.sleep(3)
        assert graph.node("voice").settings.gain == 1
        assert [change.cause for change in graph.swaps.history] == ["edit", "failure"]
        second = graph.node("user").say("two")
        await asyncio.sleep(3)
        assert heard(graph, second) == [1] * 11

    during(talk(voice={"gain": 1}), do)

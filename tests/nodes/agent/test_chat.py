"""Turns of an agent on virtual time: what it answers, what it remembers, what happens when the model fails."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs import idle, running, sink, source
from tests.nodes.agent.talk import EDGES, HEARD, NODES, ScriptedAgent, ends, errors, past, talk
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import TextDelta, Transcript
from vaidol.graph.generations import TurnCut
from vaidol.graph.scheduler import Graph

HELLO = "You said hello to me. I have heard it all. Now go on, please."


def test_a_reply_comes_in_pieces_and_ends_with_an_empty_one() -> None:
    async def main() -> list[TextDelta]:
        nodes = {"user": NODES["user"], "agent": ScriptedAgent, "end": sink(TextDelta)}
        async with running(nodes, ["user.text -> agent.user", "agent.text -> end.in"]) as graph:
            graph.node("user").say("hello")
            await asyncio.sleep(5)
            assert {name for name, _ in graph.marks[1]} == {"first_token", "reply_done"}
            return [frame for _, frame in graph.node("end").got]

    pieces = run_virtual(main())
    assert "".join(piece.text for piece in pieces) == HELLO
    assert [piece.final for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1].text == ""
    assert {(piece.gen, piece.trace) for piece in pieces} == {(1, 1)}
    assert [piece.seq for piece in pieces[:-1]] == list(range(len(pieces) - 1))


def test_what_was_heard_is_remembered_and_asked_again() -> None:
    async def scene(graph: Graph) -> None:
        graph.node("user").say("hello")
        await idle(graph)
        graph.node("user").say("more")

    graph = talk(scene)
    assert past(graph)[:3] == [("user", "hello"), ("assistant", HELLO), ("user", "more")]
    assert ends(graph) == ["turn_done", "turn_done"]


def test_an_empty_transcript_ends_its_turn_without_asking_the_model() -> None:
    async def scene(graph: Graph) -> None:
        graph.node("user").say("  ")
        await idle(graph)
        assert graph.node("agent").asked == []

    graph = talk(scene)
    assert past(graph) == []
    assert ends(graph) == ["turn_done"]


def test_partial_transcripts_are_not_answered() -> None:
    async def main() -> int:
        partial = Transcript(text="hel", final=False)
        nodes = {"mic": source(Transcript, [(0, partial)]), "agent": ScriptedAgent, "end": sink(TextDelta)}
        async with running(nodes, ["mic.out -> agent.user", "agent.text -> end.in"]) as graph:
            await idle(graph)
            return len(graph.node("agent").asked)

    assert run_virtual(main()) == 0


def test_a_turn_that_died_first_is_remembered_and_not_answered() -> None:
    async def scene(graph: Graph) -> None:
        graph.node("user").say("I wanted", dead=True)
        await idle(graph)
        assert graph.node("agent").asked == []
        graph.node("user").say("to know")

    graph = talk(scene)
    assert past(graph)[0] == ("user", "I wanted to know")


def test_an_abandoned_speculation_leaves_nothing_behind() -> None:
    async def scene(graph: Graph) -> None:
        gen = graph.node("user").say("I wanted", speculative=True)
        await asyncio.sleep(0.3)
        graph.fence.abandon(gen)
        graph.node("user").say("I wanted to know")

    assert [text for role, text in past(talk(scene)) if role == "user"] == ["I wanted to know"]


@given(after_s=st.floats(0, 6))
@settings(max_examples=60, deadline=None)
def test_after_a_cut_the_memory_is_exactly_what_was_heard(after_s: float) -> None:
    cuts: list[TurnCut] = []

    async def scene(graph: Graph) -> None:
        graph.fence.on_cut(cuts.append)
        graph.node("user").say("hello")
        await asyncio.sleep(after_s)
        graph.fence.cut("barge-in")
        await idle(graph)
        assert graph.node("agent").closed == len(graph.node("agent").asked)

    graph = talk(scene)
    heard = cuts[0].heard_text if cuts else HELLO
    assert past(graph) == [("user", "hello"), ("assistant", heard)][: 2 if heard else 1]
    assert HELLO.startswith(heard)


def test_cuts_after_every_token_and_the_next_turn_is_answered() -> None:
    """Tokens come every 0.5 s, so that the voice keeps up and a cut falls between all of them."""
    heard = []
    for token in range(15):
        cuts: list[TurnCut] = []

        async def scene(graph: Graph, after_s: float = 0.5 * token + 0.6, cuts: list[TurnCut] = cuts) -> None:
            graph.fence.on_cut(cuts.append)
            graph.node("user").say("hello")
            await asyncio.sleep(after_s)
            graph.node("user").say("stop")

        graph = talk(scene, gap_s=0.5)
        heard.append(cuts[0].heard_text)
        told = [("assistant", heard[-1]), ("user", "stop")] if heard[-1] else []
        assert past(graph)[: 1 + len(told)] == [("user", "hello" if told else "hello stop"), *told]
        assert ends(graph) == ["turn_cut", "turn_done"]
    assert heard[0] == ""
    assert len(heard[-1]) > len(HELLO) / 2
    assert heard == sorted(heard, key=len)


def test_without_ears_all_that_was_said_counts() -> None:
    async def scene(graph: Graph) -> None:
        graph.node("user").say("hello")
        await idle(graph)
        graph.node("user").say("more")

    assert past(talk(scene, heard=False))[:2] == [("user", "hello"), ("assistant", HELLO)]


def test_two_sessions_share_no_word() -> None:
    async def one(words: list[str]) -> list[str]:
        async with running(NODES, [*EDGES, HEARD], ends={"call": CallDouble()}) as graph:
            for word in words:
                graph.node("user").say(word)
                await asyncio.sleep(2)
            asked = graph.node("agent").asked
            head = len(graph.node("agent").memory.head)
            return [message["content"] for messages in asked for message in messages[head:]]

    async def main() -> list[list[str]]:
        return await asyncio.gather(one(["apple", "pear", "plum"]), one(["iron", "zinc", "lead"]))

    fruit, metal = (" ".join(told) for told in run_virtual(main()))
    assert all(word in fruit and word not in metal for word in ("apple", "pear", "plum"))
    assert all(word in metal and word not in fruit for word in ("iron", "zinc", "lead"))


@pytest.mark.parametrize(
    ("text", "error", "heard"),
    [
        ("please die", "the model died", "You said please die to me."),
        ("please stall", "the language model sent nothing for 4 s", "You said please stall to me."),
        ("please hang", "the language model sent nothing for 7 s", ""),
        ("say nothing", "the language model answered with nothing", ""),
    ],
)
def test_a_model_that_fails_ends_the_turn_and_the_next_one_works(text: str, error: str, heard: str) -> None:
    async def scene(graph: Graph) -> None:
        graph.node("user").say(text)
        await idle(graph)
        assert not graph.fence.turns
        graph.node("user").say("hello")

    graph = talk(scene, first_token_s=7, stall_s=4)
    assert errors(graph) == [error]
    assert ends(graph) == ["turn_failed", "turn_done"]
    told = [("user", text), ("assistant", heard), ("user", "hello")] if heard else [("user", f"{text} hello")]
    assert past(graph)[: len(told)] == told

"""What the avatar writes into a chat, and what never gets there; a chat in memory, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphs import running
from tests.nodes.agent.talk import EDGES, NODES, ScriptedAgent, errors
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.errors import PipelineError, ProviderError
from vaidol.graph.frames import Mark, Sentence, Transcript
from vaidol.graph.scheduler import Graph
from vaidol.nodes.chat._crowd import ChatSettings, Said
from vaidol.nodes.chat._replies import Heard, shortened
from vaidol.nodes.chat._source import ChatSource

WHOLE = "You said {} to me. I have heard it all. Now go on, please."


class Club(ChatSource[ChatSettings]):
    """A chat in which a test writes, and which keeps what is written back. `faults`: of the next tries."""

    longest = 120

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.written: asyncio.Queue[Said] = asyncio.Queue()
        self.posted: list[tuple[str, str]] = []
        self.faults: list[ProviderError] = []

    async def messages(self) -> AsyncGenerator[Said, None]:
        while True:
            yield await self.written.get()

    async def post(self, id: str, text: str) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.posted.append((id, text))

    def write(self, id: str, name: str, text: str) -> None:
        self.written.put_nowait(Said(id, name.lower(), name, text))


def evening(scene: Callable[[Graph, Club], Awaitable[None]], **wanted: Any) -> tuple[Graph, Club]:
    """Run `scene` beside an avatar that answers the club; returns the graph after its end, and the club."""

    async def main() -> tuple[Graph, Club]:
        nodes = {
            **NODES,
            "agent": (ScriptedAgent, {"prompt": "Be nice."}),
            "club": (Club, {"reply": True, **wanted}),
            "alone": ("turn.autonomous", {"after_s": 0, "chat_prompt": "{text}", "chat_gap_s": 1}),
            "says": ("text.moderate", {"block": ["rude"]}),
        }
        edges = [edge for edge in EDGES if edge != "sentences.sentence -> voice.text"] + [
            "sentences.sentence -> says.sentence", "says.sentence -> voice.text", "alone.user -> agent.user",
            "club.chat -> alone.chat", "alone.answers -> club.answers", "out.spoken -> club.spoken",
        ]  # fmt: skip
        async with running(nodes, edges, ends={"call": CallDouble()}) as graph:
            club = graph.node("club")
            assert isinstance(club, Club)
            await scene(graph, club)
            await asyncio.sleep(30)
        return graph, club

    return run_virtual(main())


def counts(graph: Graph, node: str = "club") -> dict[str, int]:
    return graph.cells[node].counts


def test_an_answer_is_written_once_when_it_is_over() -> None:
    async def scene(graph: Graph, club: Club) -> None:
        club.write("7", "Ann", "hi")
        await asyncio.sleep(3)
        assert graph.fence.turns
        assert not club.posted  # not before it was heard
        await asyncio.sleep(10)
        graph.node("user").say("mine")  # what is said to others is not for the chat
        await asyncio.sleep(10)

    graph, club = evening(scene)
    assert club.posted == [("7", "@Ann, " + WHOLE.format("hi"))]
    assert counts(graph)["posted"] == 1
    assert errors(graph) == []


def test_what_must_not_be_said_is_not_written_either() -> None:
    async def scene(_: Graph, club: Club) -> None:
        club.write("7", "Ann", "something rude [joy]")

    assert evening(scene)[1].posted == [("7", "@Ann, " + WHOLE.format("something ***"))]


def test_of_an_answer_that_was_interrupted_what_was_heard_is_written() -> None:
    async def scene(graph: Graph, club: Club) -> None:
        club.write("7", "Ann", "hi")
        await asyncio.sleep(3)
        graph.node("user").say("stop")

    assert evening(scene)[1].posted == [("7", "@Ann, You …")]


def test_nothing_is_written_where_nobody_wants_it() -> None:
    async def scene(_: Graph, club: Club) -> None:
        club.write("7", "Ann", "hi")

    graph, club = evening(scene, reply=False)
    assert not club.posted
    assert counts(graph, "alone")["chat_answered"] == 1


def test_who_wants_replies_is_told_that_nothing_says_which_they_are() -> None:
    async def main() -> None:
        async with running({"club": (Club, {"reply": True}), "alone": "turn.autonomous"}, ["club.chat -> alone.chat"]):
            pass

    with pytest.raises(PipelineError, match="nothing feeds its input answers"):
        run_virtual(main())


def test_what_a_moderator_deletes_is_neither_answered_nor_is_an_answer_written() -> None:
    async def scene(graph: Graph, club: Club) -> None:
        club.write("7", "Ann", "hi")
        club.write("8", "Bob", "spam")
        club.write("9", "Bob", "more spam")
        await asyncio.sleep(3)  # the newest is being answered
        club.take_back(user="bob")
        await asyncio.sleep(30)
        assert not graph.fence.turns

    graph, club = evening(scene)
    assert [id for id, _ in club.posted] == ["7"]
    assert counts(graph, "alone")["chat_taken_back"] == 1
    assert counts(graph)["taken_back"] == 2


def test_a_chat_that_cannot_take_it_now_is_asked_again_and_then_no_more() -> None:
    async def scene(_: Graph, club: Club) -> None:
        club.faults = [ProviderError("busy", retryable=True)] * 2
        club.write("1", "Ann", "one")
        await asyncio.sleep(30)
        club.faults = [ProviderError("you may not write here")]
        club.write("2", "Ann", "two")
        await asyncio.sleep(30)
        club.write("3", "Ann", "three")

    graph, club = evening(scene)
    assert [id for id, _ in club.posted] == ["1", "3"]
    assert counts(graph)["not_posted"] == 1
    assert errors(graph) == ["you may not write here"]


def test_the_avatar_does_not_answer_itself() -> None:
    async def scene(_: Graph, club: Club) -> None:
        club.write("1", "Ann", "hi")
        await asyncio.sleep(20)
        club.write("2", "Vai", club.posted[0][1])

    graph, club = evening(scene)
    assert len(club.posted) == 1
    assert counts(graph)["dropped_own"] == 1


def test_no_viewer_makes_the_avatar_give_commands() -> None:
    heard = Heard("club")
    heard.answers(Transcript(text="say it", who="Ann", ref="club:1", gen=3))
    said = Sentence(text="/ban Ann\r\nPRIVMSG #x :!raid", gen=3)
    assert heard.spoken(Mark(kind="sentence_end", sentence=said, gen=3)) is None
    reply = heard.spoken(Mark(kind="reply_end", gen=3))
    assert reply is not None
    assert reply.text == "ban Ann PRIVMSG #x :!raid"


@given(st.text(max_size=300), st.integers(2, 100))
def test_what_is_cut_fits_and_is_a_beginning(text: str, most: int) -> None:
    cut = shortened(text, most)
    assert len(cut) <= most
    assert cut == text or text.startswith(cut.removesuffix("…"))

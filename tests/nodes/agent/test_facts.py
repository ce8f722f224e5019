"""Facts about the user: found in plain statements alone, learned after replies, corrected, told, forgotten for good."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs import idle, running
from tests.nodes.agent.talk import EDGES, HEARD, NODES, ScriptedAgent
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Transcript
from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent._fact_asking import read
from vaidol.nodes.agent._facts import found
from vaidol.nodes.agent._history import History, Line, Recorder
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.agent._memos import Fact, Finding
from vaidol.nodes.webrtc.data import ROOM
from vaidol.tests.bench._told import TOLD

ANN, BOB = "ann-ann-ann-ann-ann", "bob-bob-bob-bob-bob"


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    made = History(tmp_path / "history.sqlite3")
    yield made
    made.close()


def texts(text: str) -> list[str]:
    return [one.text for one in found(text)]


def known(history: History, user: str = ANN, persona: str = "") -> list[str]:
    return [fact.text for fact in history.memos.facts(user, persona)]


def learn(history: History, *said: str, user: str = ANN, persona: str = "vai", chat: str = "c") -> list[str]:
    """`user` says these; returns what is new."""
    memos, there = history.memos, history.read(user, chat)
    first = len(there[1]) + 1 if there else 1
    history.write([Line(chat, user, persona, n, "user", text) for n, text in enumerate(said, first)])
    return memos.learn(user, persona, [(at, found(text)) for at, text in memos.unlooked(user, persona, "", 0, 100)])


@pytest.mark.parametrize("language", TOLD)
def test_plain_statements_are_understood_and_nothing_else(language: str) -> None:
    said = TOLD[language]
    missed = {text for text, word in said.items() if word and not any(word in one for one in texts(text))}
    wrong = {text: texts(text) for text, word in said.items() if not word and texts(text)}
    assert len(missed) <= len(said) / 20, missed
    assert wrong == {}


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("Well, I moved to Bergen and I have a dog named Bit, but I hate rain.",
         ["lives in Bergen", "has a dog named Bit", "dislikes rain"]),
        ("I live in Oslo, is it cold there?", ["lives in Oslo"]),
        ("i live in oslo", ["lives in oslo"]),
        ("My wife’s name is Zoë Smith!", ["has a wife named Zoë Smith"]),
        ("I love my garden.", ["likes their garden"]),
        ("I live in Oslo. I live in Rome.", ["lives in Rome"]),
    ],
)  # fmt: skip
def test_what_is_said_becomes_a_fact_in_the_third_person(said: str, facts: list[str]) -> None:
    assert texts(said) == facts


WORDS = ["I", "my", "live", "in", "Oslo", "and,", "is", "a", "'", ".", "like", "{x}", "{0}", "not", "called", "the"]


@settings(deadline=1000)
@given(st.text(max_size=300) | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_text_is_looked_at_quickly(text: str) -> None:
    for one in found(text):
        assert one.key
        assert len(one.text) <= 200


def test_facts_are_known_once_and_the_newest_counts(history: History) -> None:
    assert learn(history, "I live in Oslo.", "I have a dog named Bit.", "I like jazz.") == [
        "lives in Oslo", "has a dog named Bit", "likes jazz",
    ]  # fmt: skip
    assert learn(history, "You know, I live in Oslo.") == []
    assert learn(history, "I moved to Bergen.", "I don't like jazz.") == ["lives in Bergen", "dislikes jazz"]
    assert known(history) == ["dislikes jazz", "lives in Bergen", "has a dog named Bit"]
    recalled = [one.text for one in history.memos.recall(ANN, "vai", "Where do I live, and is there jazz?", 9)]
    assert "I live in Oslo." not in recalled, "nor is what was said then"
    assert learn(history, "I do not live in Rome any more.", "I no longer live in Bergen.") == []
    assert known(history) == ["dislikes jazz", "has a dog named Bit"]
    assert history.memos.unlooked(ANN, "vai", "", 0, 100) == []


def test_each_user_and_persona_has_facts_of_its_own(history: History) -> None:
    learn(history, "I live in Oslo.")
    learn(history, "I live in Rome.", user=BOB, chat="b")
    learn(history, "I live in Cork.", persona="mo", chat="m")
    assert (known(history), known(history, BOB), known(history, "")) == (
        ["lives in Cork", "lives in Oslo"], ["lives in Rome"], [],
    )  # fmt: skip
    assert known(history, persona="mo") == ["lives in Cork"]
    theirs = history.memos.facts(BOB)[0].id
    assert not history.memos.forget(ANN, theirs)
    assert not history.memos.forget("", theirs)
    assert known(history, BOB) == ["lives in Rome"]
    assert [one.text for one in history.memos.recall(ANN, "vai", "Who lives in Rome, Oslo or Cork?", 9)] == [
        "lives in Oslo"
    ]


def test_what_is_forgotten_is_gone_from_the_file(history: History) -> None:
    learn(history, "I live in Ouagadougou.", "My cat is called Xanthippe.", "I like figs.")
    history.memos.mean([(memo, text, b"\7" * 384) for memo, text in history.memos.meaningless(ANN, "vai", 99)])
    fact = next(fact for fact in history.memos.facts(ANN) if "Ouaga" in fact.text)
    assert history.memos.forget(ANN, fact.id)
    assert not history.memos.forget(ANN, fact.id)
    assert [one.text for one in history.memos.recall(ANN, "vai", "Do I live in Ouagadougou?", 9)] == []
    assert learn(history, "Nice.") == [], "nor is it found again in the same line"
    assert history.delete(ANN, "c"), "the line itself goes with its conversation, and with it the other facts"
    assert known(history) == []
    files = [file.read_bytes() for file in history.path.parent.iterdir()]
    for word in (b"ouagadougou", b"Ouagadougou", b"xanthippe", b"\7" * 40):
        assert not any(word in content for content in files), word
    learn(history, "I live in Timbuktu.", chat="d")
    learn(history, "I live in Rome.", user=BOB, chat="b")
    assert history.forget(ANN) == 1
    assert (known(history), history.chats(ANN), known(history, BOB)) == ([], [], ["lives in Rome"])
    assert not any(b"imbuktu" in file.read_bytes() for file in history.path.parent.iterdir())


def converse(history: History, scene: Any, agent: type[ScriptedAgent] = ScriptedAgent, **settings: Any) -> Graph:
    recorder = Recorder(history)
    recorder.user = ANN

    async def main() -> Graph:
        nodes = {**NODES, "agent": (agent, {"persona": "vai", **settings})}
        async with running(nodes, [*EDGES, HEARD], ends={"call": CallDouble(), "history": recorder}) as graph:
            await scene(graph)
        return graph

    return run_virtual(main())


def told(graph: Graph, code: str) -> list[str]:
    return [event.text for event in graph.events if (event.name, event.code) == ("memory", code)]


def test_facts_are_learned_after_the_reply_and_told_in_the_next_talk(history: History) -> None:
    async def first(graph: Graph) -> None:
        graph.node("user").say("I live in Oslo.")
        await graph.clock.sleep(1.5)
        assert known(history) == [], "the reply is still being heard"
        await idle(graph)
        assert known(history) == ["lives in Oslo"]
        graph.node("user").say("I have a dog named", speculative=True)
        await graph.clock.sleep(0.5)
        graph.fence.cut("the user had not finished")
        graph.node("user").say("I have a dog named Bit.")
        await graph.clock.sleep(1.5)
        graph.fence.cut("interrupted")
        await idle(graph)

    async def second(graph: Graph) -> None:
        graph.node("user").say("Good morning.")
        await idle(graph)
        graph.node("user").say("Where do I live, and who is Bit?")
        await idle(graph)
        [hello, asked] = [messages[-1]["content"] for messages in graph.node("agent").asked]
        assert hello == "Good morning."
        assert asked.startswith("Where do I live, and who is Bit? (from earlier talks")
        assert "known: " in asked
        assert all(fact in asked for fact in ("lives in Oslo", "has a dog named Bit"))

    learned = converse(history, first)
    assert told(learned, "learned") == ["lives in Oslo", "has a dog named Bit"]
    recalled = told(converse(history, second), "recalled")
    assert sorted(recalled[0].split("\n")) == ["has a dog named Bit", "lives in Oslo"]


def test_a_talk_that_was_broken_off_is_looked_at_at_its_end_or_in_the_next_one(history: History) -> None:
    async def broken_off(graph: Graph) -> None:
        graph.node("user").say("I live in Oslo.")
        await graph.clock.sleep(1.5)

    converse(history, broken_off)
    assert known(history) == ["lives in Oslo"]
    history.write([Line("killed", ANN, "vai", 1, "user", "My name is Ann.")])

    async def next_one(graph: Graph) -> None:
        graph.node("user").say("Hello.")
        await idle(graph)

    converse(history, next_one)
    assert known(history) == ["is called Ann", "lives in Oslo"]


def test_no_facts_are_kept_where_they_are_not_wanted(history: History) -> None:
    async def scene(graph: Graph) -> None:
        graph.node("user").say("I live in Oslo.")
        await idle(graph)

    converse(history, scene, facts="off")
    assert (known(history), len(history.chats(ANN))) == ([], 1)


def test_what_others_in_a_room_or_an_audience_say_is_not_taken_for_the_users(history: History) -> None:
    learn(history, "I live in Oslo.", chat="earlier")

    async def scene(graph: Graph) -> None:
        user = graph.node("user")
        for trace, who in ((ROOM + 1, ""), (5, "Bob")):
            gen = graph.fence.begin(trace)
            said = "Bob: I live in Rome. And where do you live?"
            user.emit("text", Transcript(text=said, who=who, final=True, gen=gen, trace=trace))
            await idle(graph)
        assert "Oslo" not in str(graph.node("agent").asked)

    converse(history, scene)
    assert known(history) == ["lives in Oslo"]
    written = history.read(ANN, history.chats(ANN)[0].id)
    assert written is not None
    assert {line.role for line in written[1]} == {"assistant"}


class Finder(ScriptedAgent):
    """Asked for facts, it answers with what the class says."""

    answer: str | None = ""

    async def beside(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        self.asked.append(messages)
        if self.answer is None:
            raise ProviderError("no", code="unreachable")
        yield self.answer


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        ("new: keeps bees\n- New: sells honey.\n", ["sells honey", "keeps bees", "lives in Oslo"]),
        ("1: lives in Bergen", ["lives in Bergen"]),
        ("none", ["lives in Oslo"]),
        ("7: is the queen\nI think that you are nice.", ["lives in Oslo"]),
        (None, ["is called Ann", "lives in Oslo"]),  # it cannot be asked: the rules look
    ],
)
def test_facts_may_be_found_by_the_model(history: History, answer: str | None, facts: list[str]) -> None:
    learn(history, "I live in Oslo.", chat="earlier")

    async def scene(graph: Graph) -> None:
        graph.node("user").say("My name is Ann. The bees are fine, and honey sells.")
        await idle(graph)

    agent = type("FinderAgent", (Finder,), {"answer": answer})
    graph = converse(history, scene, agent, facts="llm", recall=0)
    assert known(history) == facts
    asked = graph.node("agent").asked[-1][-1]["content"]
    assert "honey sells" in asked
    assert "1: lives in Oslo" in asked


@given(st.text(max_size=300))
def test_any_answer_of_a_model_is_read(answer: str) -> None:
    fact = Fact(7, "vai", "lives in Oslo", "", "", "home")
    for one in read(f"{answer}\n1: lives in Bergen", [fact], "said"):
        assert isinstance(one, Finding)
        assert 0 < len(one.text) <= 120

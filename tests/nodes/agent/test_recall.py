"""Lines of earlier conversations: those that belong to what is said now come first, and only the user's own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graphs import idle, running
from tests.nodes.agent.talk import EDGES, HEARD, NODES, ScriptedAgent, until
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.nodes.agent._history import History, Line, Recorder
from vaidol.nodes.agent._meaning import Meaning

ANN, BOB = "ann-ann-ann-ann-ann", "bob-bob-bob-bob-bob"
TALK = [f"Today I would like to talk a bit about topic number {n} with you, my friend." for n in range(40)]
FACTS = {
    "My cat is called Plum.": "Do you remember what my cat is called?",
    "I work as a nurse in a hospital in Leeds.": "Where do I work?",
    "My sister Clara is getting married in June.": "When is the wedding of Clara?",
    "I am allergic to peanuts, so no satay for me.": "Could I eat peanuts?",
    "My favourite colour is dark green.": "Which colour should I paint the door? You know my favourite colour.",
    "We moved to Bristol two years ago.": "When did we move to Bristol?",
    "I play the cello in an amateur orchestra.": "Which instrument do I play in the orchestra?",
    "My birthday is on the ninth of March.": "When is my birthday?",
    "The password of the guest network is swordfish.": "What was the guest network password?",
    "I am learning Japanese, and kanji are hard.": "How is my Japanese?",
    "My grandfather was a clockmaker from Prague.": "What did my grandfather do?",
    "私の犬の名前はポチです。": "私の犬の名前は何でしたか？",
}
OTHERWORDS = {"I drive an old red Volvo.": "What car have I got?", "I do not eat meat at all.": "Am I a vegetarian?"}


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    made = History(tmp_path / "history.sqlite3")
    yield made
    made.close()


def told(history: History, lines: Iterable[str], *, user: str = ANN, persona: str = "vai", chat: str = "c") -> None:
    history.write([Line(chat, user, persona, n, "user", text) for n, text in enumerate(lines, 1)])


def recalled(history: History, said: str, most: int = 5, **how: Any) -> list[str]:
    return [one.text for one in history.memos.recall(ANN, "vai", said, most, **how)]


def test_facts_are_recalled_among_much_talk(history: History) -> None:
    told(history, [*TALK, *FACTS, *FACTS.values(), *OTHERWORDS])
    found = {fact: recalled(history, question) for fact, question in FACTS.items()}
    assert [fact for fact, lines in found.items() if fact not in lines] == []
    assert sum(lines[0] == fact for fact, lines in found.items()) >= len(FACTS) - 2
    assert [recalled(history, asked) for asked in ("And?", "", "你", "Thank you so much!")] == [[]] * 4
    # the limit of words alone: what is asked in other words is not found
    assert not any(fact in recalled(history, question) for fact, question in OTHERWORDS.items())


@pytest.mark.models
def test_what_is_asked_in_other_words_is_recalled_by_its_meaning(history: History) -> None:
    meaning = Meaning()
    meaning.load()
    assert meaning.wrong == ""
    told(history, [*FACTS, *OTHERWORDS])
    while bare := history.memos.meaningless(ANN, "vai", 8):
        history.memos.mean([(memo, text, meaning.vector(text)) for memo, text in bare])
    found = {
        fact: recalled(history, question, vector=meaning.vector(question)) for fact, question in OTHERWORDS.items()
    }
    assert [fact for fact, lines in found.items() if fact not in lines[:2]] == []
    vector = meaning.vector("Thank you so much!")
    assert recalled(history, "Thank you so much!", vector=vector) == []
    assert history.delete(ANN, "c")
    assert recalled(history, "What car have I got?", vector=meaning.vector("What car have I got?")) == []


def test_a_model_that_is_not_here_leaves_it_to_the_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VAIDOL_MODELS", str(tmp_path))
    meaning = Meaning()
    meaning.load()
    assert "vaidol models pull all-minilm-l6-v2" in meaning.wrong
    assert (meaning.ready, meaning.vector("hello")) == (False, b"")


def test_a_reply_does_not_wait_for_a_slow_model(tmp_path: Path) -> None:
    goes_on = threading.Event()

    class SlowMeaning(Meaning):
        ready = True

        def vector(self, text: str) -> bytes:
            goes_on.wait(20)  # on its own thread
            return b"\1" * 384

    history = History(tmp_path / "slow.sqlite3", SlowMeaning())
    told(history, ["My cat is called Plum."], chat="earlier")
    recorder = Recorder(history)
    recorder.user = ANN

    async def main() -> str:
        async with running(NODES, EDGES, ends={"call": CallDouble(), "history": recorder}) as graph:
            graph.node("user").say("So what is my cat called?")
            await until(lambda: graph.node("agent").asked, within_s=15)
            goes_on.set()
            return str(graph.node("agent").asked[0][-1]["content"])

    assert "Plum" in asyncio.run(main())
    history.close()


def test_what_is_before_the_model_already_is_not_recalled(history: History) -> None:
    told(history, ["My cat is called Plum.", "My cat is grey.", "Well!"])
    assert recalled(history, "my cat", chat="c", since=2) == ["My cat is called Plum."]
    assert len(recalled(history, "my cat", chat="other", since=2)) == 2


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.text(max_size=80), line=st.text(max_size=40), most=st.integers(1, 5))
def test_any_text_is_compared(history: History, said: str, line: str, most: int) -> None:
    told(history, [line or "x", "And a cat."])
    assert len(recalled(history, said, most)) <= most


def test_an_agent_is_reminded_of_what_its_user_told_it_and_of_nothing_else(history: History) -> None:
    for n, (user, persona, text) in enumerate(
        [(ANN, "vai", "My cat is called Plum."), (BOB, "vai", "My cat is called Fig."), (ANN, "mo", "My cat is ill.")]
    ):
        history.write([Line(f"c{n}", user, persona, 1, "user", text)])
    asked = []

    async def main() -> None:
        for user, recall in ((ANN, 3), (BOB, 3), (ANN, 0), ("", 3)):
            recorder = Recorder(history)
            recorder.user = user
            nodes = {**NODES, "agent": (ScriptedAgent, {"recall": recall, "persona": "vai"})}
            ends = {"call": CallDouble(), "history": recorder}
            async with running(nodes, [*EDGES, HEARD], ends=ends) as graph:
                graph.node("user").say("So what is my cat called?")
                await idle(graph)
                asked.append(graph.node("agent").asked[0][-1]["content"])
                kept = [one for one in graph.node("agent").memory.messages() if one["role"] == "user"]
                assert "earlier talks" not in str(kept)  # it is no part of the talk

    run_virtual(main())
    assert asked[0].endswith("the user once said: My cat is called Plum.)")
    assert asked[1].endswith("the user once said: My cat is called Fig.)")
    assert asked[2:] == ["So what is my cat called?"] * 2
    assert history.delete(ANN, "c0")
    assert [one.text for one in history.memos.recall(ANN, "vai", "my cat", 5)] == []

"""Lines of earlier conversations: those that belong to what is said now come first, and only the user's own."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.graphs import idle, running
from tests.nodes.agent.talk import EDGES, HEARD, NODES, ScriptedAgent
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.nodes.agent._history import History, Line, Recorder
from vaidol.nodes.agent._recall import best, terms

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


def test_facts_are_recalled_among_much_talk() -> None:
    lines = [*TALK, *FACTS, *FACTS.values(), *OTHERWORDS]
    found = {fact: best(question, lines, 5) for fact, question in FACTS.items()}
    assert [fact for fact, recalled in found.items() if fact not in recalled] == []
    assert sum(recalled[0] == fact for fact, recalled in found.items()) >= len(FACTS) - 1
    assert [best(asked, lines, 5) for asked in ("And?", "", "你", "Thank you so much!")][:3] == [[], [], []]
    # the limit of words alone: what is asked in other words is not found
    assert not any(fact in best(question, lines, 5) for fact, question in OTHERWORDS.items())


@given(st.text(max_size=80), st.lists(st.text(max_size=40), max_size=20), st.integers(0, 5))
def test_any_text_is_compared(said: str, lines: list[str], most: int) -> None:
    found = best(said, lines, most)
    assert len(found) <= most
    assert set(found) <= set(lines)
    assert all(terms(said) for _ in found)


def test_an_agent_is_reminded_of_what_its_user_told_it_and_of_nothing_else(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
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
                assert "once said" not in str(kept)  # it is no part of the talk

    run_virtual(main())
    assert asked[0].endswith("the user once said: My cat is called Plum.)")
    assert asked[1].endswith("the user once said: My cat is called Fig.)")
    assert asked[2:] == ["So what is my cat called?"] * 2
    assert history.delete(ANN, "c0")
    assert history.recall(ANN, "vai", "", "my cat", 5) == []
    assert history.recall(BOB, "vai", "c1", "my cat", 5) == []
    history.close()

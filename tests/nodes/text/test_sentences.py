"""text.sentences: tokens in, sentences to speak out, at the seam of the node."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs import Result, play, sink
from tests.nodes.agent.talk import User
from vaidol.graph.frames import Sentence, TextDelta, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph


class Tokens(Node[Settings]):
    """Answers with the user's own text, in pieces parted by "|"."""

    inputs = (Port("user", Transcript),)
    outputs = (Port("text", TextDelta),)
    replies = True

    def process(self, port: str, frame: Transcript) -> None:
        for piece in frame.text.split("|"):
            self.emit("text", TextDelta(text=piece, gen=frame.gen, trace=frame.trace))
        if "UNFINISHED" not in frame.text:
            self.emit("text", TextDelta(final=True, gen=frame.gen, trace=frame.trace))


def split(*texts: str, **settings: Any) -> list[Sentence]:
    """The sentences of replies with these texts."""
    return talk(*texts, **settings).frames("end")


def talk(*texts: str, **settings: Any) -> Result:
    async def say(graph: Graph) -> None:
        for text in texts:
            graph.node("user").say(text)

    return play(
        {"user": User, "agent": Tokens, "sentences": ("text.sentences", settings), "end": sink(Sentence)},
        ["user.text -> agent.user", "agent.text -> sentences.text", "sentences.sentence -> end.in"],
        do=say,
    )


def test_sentences_are_numbered_stamped_and_the_last_is_final() -> None:
    made = split("Hel|lo the|re. How a|re you? |I am fine.", first_clause=False)
    assert [sentence.text for sentence in made] == ["Hello there.", "How are you?", "I am fine."]
    assert [sentence.seq for sentence in made] == [0, 1, 2]
    assert [sentence.final for sentence in made] == [False, False, True]
    assert {(sentence.gen, sentence.trace) for sentence in made} == {(1, 1)}


def test_the_first_clause_leaves_early_and_is_marked() -> None:
    result = talk("Well, I have to think, |and UNFINISHED")
    assert [sentence.text for sentence in result.frames("end")] == ["Well, I have to think,"]
    assert [name for name, _ in result.graph.marks[1]] == ["first_clause"]
    assert split("Well, I have to think, |and UNFINISHED", first_clause=False) == []


def test_cues_become_expressions_and_motions_at_their_words() -> None:
    (made,) = split("[jo|y:0.5] I am happy *waves|* to see you.", first_clause=False)
    assert made.text == "I am happy to see you."
    assert [(cue.kind, cue.name, cue.weight, cue.offset) for cue in made.cues] == [
        ("expression", "joy", 0.5, 0),
        ("motion", "wave", 1.0, made.text.index("to") - 1),
    ]
    assert {(cue.gen, cue.trace) for cue in made.cues} == {(1, 1)}


def test_what_is_spoken_is_made_speakable_and_what_is_shown_is_not() -> None:
    (made,) = split("It costs **$5**.", first_clause=False)
    assert made.text == "It costs **$5**."
    assert "five dollars" in made.speech
    assert "*" not in made.speech


def test_thoughts_are_neither_shown_nor_spoken() -> None:
    (made,) = split("<thi|nk>The user wants a joke. Hm.</think>|Here it is.", first_clause=False)
    assert (made.text, made.speech) == ("Here it is.", "Here it is.")


@pytest.mark.parametrize("text", ["", " ", "[joy]", "<think>hm</think>"])
def test_a_reply_without_words_ends_with_an_empty_sentence(text: str) -> None:
    (made,) = split(text)
    assert (made.text, made.speech, made.final) == ("", "", True)
    assert [cue.name for cue in made.cues] == (["joy"] if text == "[joy]" else [])


def test_nothing_of_a_cut_reply_gets_into_the_next() -> None:
    made = split("[anger] I was about to say UNFINISHED", "Fine.")
    assert [(sentence.gen, sentence.text, sentence.cues) for sentence in made] == [(2, "Fine.", ())]


@settings(deadline=None)
@given(st.lists(st.text("abc ,.!?[]*\n", max_size=8), max_size=20))
def test_every_reply_has_one_end_whatever_the_tokens_are(pieces: list[str]) -> None:
    made = split("x" + "|".join(pieces))
    assert [sentence.final for sentence in made] == [False] * (len(made) - 1) + [True]
    assert all(0 <= cue.offset <= len(sentence.text) for sentence in made for cue in sentence.cues)
    assert all(sentence.text for sentence in made[:-1])


def test_a_mark_protects_a_sentence_to_its_end_and_is_no_cue() -> None:
    made = split("Hi. [protected] This call is recorded, you know, by us. Good. [protected] So. Bye.")
    assert [(sentence.text, sentence.protected) for sentence in made] == [
        ("Hi.", False), ("This call is recorded, you know, by us.", True), ("Good.", False), ("So.", True),
        ("Bye.", False),
    ]  # fmt: skip
    assert not any(sentence.cues for sentence in made)
    parts = split("[protected] This call is recorded, as you know, by us. Good.")
    assert [sentence.protected for sentence in parts] == [True, True, False]

"""text.moderate: a blocked word reaches neither the agent nor the voice, and everything else is untouched."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vaidol.graph.frames import Cue, Sentence, Transcript
from vaidol.graph.scheduler import Graph
from vaidol.nodes.text.moderate import ModerateSettings
from vaidol.tests.graphs import Result, play, sink, source
from vaidol.tests.nodes.tts.test_speaker import Texts


def said(*texts: str, **settings: Any) -> Result:
    """Sentences of the avatar."""
    frames = [(0.0, Sentence(text=text, speech=text, cues=(Cue(name="joy"),))) for text in texts]
    nodes = {"in": source(Sentence, frames), "mod": ("text.moderate", settings), "end": sink(Sentence)}
    return play(nodes, ["in.out -> mod.sentence", "mod.sentence -> end.in"])


def heard(*texts: str, final: bool = True, **settings: Any) -> Result:
    """Words of the user."""
    frames = [(0.0, Transcript(text=text, final=final)) for text in texts]
    nodes = {"in": source(Transcript, frames), "mod": ("text.moderate", settings), "end": sink(Transcript)}
    return play(nodes, ["in.out -> mod.user", "mod.user -> end.in"])


@pytest.mark.parametrize(
    ("text", "shown", "speech"),
    [
        ("Oh, darn it!", "Oh, *** it!", "Oh, it!"),
        ("DARN.", "***.", "."),
        ("Holy  moly, yes.", "***, yes.", ", yes."),
        ("ｄａｒｎ it", "*** it", "it"),  # full-width letters
        ("d\u200ba\u200brn it", "*** it", "it"),  # invisible signs between
        ("Call 555-1234 now.", "Call *** now.", "Call now."),
        ("A darning needle.", "A darning needle.", "A darning needle."),  # whole words only
        ("Nothing wrong.", "Nothing wrong.", "Nothing wrong."),
    ],
)
def test_blocked_words_are_shown_as_stars_and_not_spoken(text: str, shown: str, speech: str) -> None:
    result = said(text, block=["darn", "holy moly"], patterns=[r"\b\d{3}-\d{4}\b"])
    [frame] = result.frames("end")
    assert (frame.text, frame.speech) == (shown, speech)
    assert [cue.name for cue in frame.cues] == ["joy"]
    assert result.graph.cells["mod"].counts == ({} if text == shown else {"moderated": 1})


def test_a_whole_sentence_may_be_dropped_or_replaced() -> None:
    result = said("Oh, darn it!", "Fine.", block=["darn"], do="drop", instead="Let us talk of 2 other things.")
    first, second = result.frames("end")
    assert (first.text, first.speech) == ("Let us talk of 2 other things.", "Let us talk of two other things.")
    assert (first.cues, second.text) == ((), "Fine.")
    [gone] = said("Oh, darn it!", block=["darn"], do="drop").frames("end")
    assert (gone.text, gone.speech) == ("", "")


def test_what_the_user_says_is_masked_or_dropped_and_then_told() -> None:
    result = heard("darn you", "hello", block=["darn"])
    assert [frame.text for frame in result.frames("end")] == ["*** you", "hello"]
    assert result.errors == []
    result = heard("darn you", "hello", block=["darn"], do="drop")
    assert [(frame.text, frame.final) for frame in result.frames("end")] == [("", True), ("hello", True)]
    assert result.errors == ["that is not talked about here"]
    assert heard("darn", final=False, block=["darn"], do="drop").errors == []


def test_a_word_that_only_the_spoken_form_has_is_taken_out_too() -> None:
    frames = [(0.0, Sentence(text="It is 7.", speech="It is seven."))]
    nodes = {"in": source(Sentence, frames), "mod": ("text.moderate", {"block": ["seven"]}), "end": sink(Sentence)}
    [frame] = play(nodes, ["in.out -> mod.sentence", "mod.sentence -> end.in"]).frames("end")
    assert (frame.text, frame.speech) == ("It is 7.", "It is .")


@pytest.mark.parametrize(
    ("sentences", "shown"),
    [
        (["Well, holy.", "Moly, look!"], ["Well, holy.", "***, look!"]),
        (["So holy,", "moly moly."], ["So holy,", "*** moly."]),
        (["Holy.", "", "Moly."], ["Holy.", "", "***."]),
        (["My card is 4111 1111.", "1111 1111, and yours?"], ["My card is 4111 1111.", "*** 1111, and yours?"]),
        (["Holy moly.", "Moly."], ["***.", "Moly."]),
        (["Holy smoke.", "Moly."], ["Holy smoke.", "Moly."]),
    ],
)
def test_a_phrase_split_over_sentences_is_never_whole(sentences: list[str], shown: list[str]) -> None:
    result = said(*sentences, block=["holy moly"], patterns=[r"\d{4}\W+\d{4}\W+\d{4}"])
    assert [frame.text for frame in result.frames("end")] == shown
    assert [frame.speech for frame in result.frames("end")][-1] == " ".join(shown[-1].replace("***", "").split())


@given(st.lists(st.sampled_from(["holy", "moly", "so", "Holy.", "moly,", ""]), min_size=1, max_size=12))
def test_no_reply_says_a_blocked_phrase_however_it_is_cut(pieces: list[str]) -> None:
    spoken = " ".join(frame.speech for frame in said(*pieces, block=["holy moly"]).frames("end"))
    assert "holy moly" not in " ".join("".join(c if c.isalnum() else " " for c in spoken.casefold()).split())


def test_a_new_reply_begins_anew() -> None:
    async def do(graph: Graph) -> None:
        for text in ("Holy.", "Moly."):
            gen = graph.node("in").say(text)
            await asyncio.sleep(0.1)
            graph.fence.played_out(gen)

    nodes = {"in": Texts, "mod": ("text.moderate", {"block": ["holy moly"]}), "end": sink(Sentence)}
    result = play(nodes, ["in.text -> mod.sentence", "mod.sentence -> end.in"], do=do)
    assert [frame.text for frame in result.frames("end")] == ["Holy.", "Moly."]


def test_without_a_list_everything_passes_as_it_is() -> None:
    assert said("ﬁne\u200b.").frames("end")[0].text == "ﬁne\u200b."


@given(st.text(max_size=60), st.sampled_from(["darn", "DARN", "Darn"]), st.text(max_size=60))
def test_a_blocked_word_never_reaches_the_voice(before: str, word: str, after: str) -> None:
    [frame] = said(f"{before} {word} {after}", block=["darn"]).frames("end")
    assert "darn" not in frame.speech.casefold().split()


@pytest.mark.parametrize(("pattern", "words"), [("(", "is no regular expression"), ("x*", "fits everything")])
def test_a_pattern_that_is_none_fails_at_check(pattern: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ModerateSettings(patterns=(pattern,))

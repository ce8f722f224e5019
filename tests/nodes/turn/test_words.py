"""Texts that stop where nobody ends a sentence, and texts that are all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench._sentences import DEVELOPMENT
from vaidol.nodes.text._words import words as table
from vaidol.nodes.turn._words import agrees, finished, objects

UNSURE, SURE = 0.4, 0.8
SMALL = sorted(table("what is the if I you to can when because not only first . , ? 5 one and who"))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I would like to", "en"),
        ("I would like to.", "en"),
        ("What is the name of the?", "en"),
        ("How do I get to?", "en"),
        ("Can you", "en"),
        ("Can you tell me what the weather?", "en"),
        ("Give me the", "en-GB"),
        ("So, um...", "en"),
        ("Well,", "en"),
        ("Yes, and", "en"),
        ("My name is -", ""),
        ("I think it\u2019s", "en"),
        ("I was thinking about.", "en"),
        ("When I was a child.", "en"),
        ("If you see him tomorrow", "en"),
        ("Either we go now", "en"),
        ("My phone number is 0 1 5.", "en"),
        ("It costs three point", "en"),
        ("My favourite", "en"),
        ("I am here. The thing is", "en"),
        ("Ich hätte gern ein", "de"),
        ("Wenn es morgen regnet", "de"),
        ("Je voudrais une", "fr"),
        ("Quand j'étais petit", "fr"),
        ("Me gustaría un", "es"),
        ("Cuando era niño", "es"),
        ("等等…", "zh"),
    ],
)
def test_goes_on(text: str, language: str) -> None:
    assert finished(text, language) < UNSURE


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the capital of France?", "en"),
        ("What are you waiting for?", "en"),
        ("Where are you from?", "en"),
        ("How are you?", "en"),
        ("What?", "en"),
        ("Who are they?", "en"),
        ("Yes", "en"),
        ("No, thank you.", "en"),
        ("Tell me a joke.", "en"),
        ("When does the train leave?", "en"),
        ("I don't know who he is.", "en"),
        ("Okay, but what is it about?", "en"),
        ("Kommst du mit?", "de"),
        ("你好吗？", "zh"),
    ],
)
def test_is_surely_whole(text: str, language: str) -> None:
    assert finished(text, language) >= SURE


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("I do not want to die.", "en"),
        ("My name is Anna.", "en"),
        ("If it rains, we stay at home.", "en"),
        ("When I see him I will tell him.", "en"),
        ("You and I.", "en"),
        ("25.", "en"),
        ("Wenn es regnet, bleiben wir hier.", "de"),
        ("a", "ja"),
        ("好的。", "zh"),
    ],
)
def test_may_be_whole(text: str, language: str) -> None:
    assert finished(text, language) >= 0.35


def test_the_development_set() -> None:
    """Rules were made with it, so nothing less than nearly all of it will do."""
    opens = [finished(first.rstrip(","), "en") < UNSURE for first, _ in DEVELOPMENT.open]
    asks = [finished(text, "en") >= SURE for kind in ("question", "request") for text in DEVELOPMENT.finished[kind]]
    others = [finished(text, "en") >= 0.5 for kind in ("statement", "answer") for text in DEVELOPMENT.finished[kind]]
    assert all(opens)
    assert all(asks)
    assert all(others)
    assert all(finished(f"{first}.", "en") >= UNSURE for first, _ in DEVELOPMENT.whole)


@given(st.text(max_size=60), st.sampled_from(["en", "de", "", "xx", "zh-CN"]))
def test_any_text_gets_an_answer(text: str, language: str) -> None:
    assert 0 <= finished(text, language) <= 1


@given(st.lists(st.sampled_from(SMALL), max_size=9))
def test_any_row_of_small_words_gets_an_answer(words: list[str]) -> None:
    assert 0 <= finished(" ".join(words), "en") <= 1


@pytest.mark.parametrize(
    "text", ["", "Mhm.", "Mm-hmm.", "Yeah, right.", "Uh-huh, okay", "I see.", "Ja, genau.", "D\u2019accord."]
)
def test_agreement(text: str) -> None:
    assert agrees(text)
    assert not objects(text)


@pytest.mark.parametrize("text", ["Stop.", "No, wait!", "Hey.", "Warte mal", "Arrête"])
def test_an_objection(text: str) -> None:
    assert objects(text)
    assert not agrees(text)


def test_anything_else_is_neither() -> None:
    assert not agrees("Tell me more")
    assert not objects("Tell me more")

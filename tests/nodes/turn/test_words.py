"""Texts that stop where nobody ends a sentence."""

from __future__ import annotations

import pytest

from vaidol.nodes.turn._words import agrees, objects, unfinished


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I would like to", "en"),
        ("I would like to.", "en"),
        ("Give me the", "en-GB"),
        ("So, um...", "en"),
        ("Well,", "en"),
        ("My name is -", ""),
        ("I think it\u2019s", "en"),
        ("Ich hätte gern ein", "de"),
        ("Je voudrais une", "fr"),
        ("Me gustaría un", "es"),
        ("等等…", "zh"),
    ],
)
def test_goes_on(text: str, language: str) -> None:
    assert unfinished(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("What is the capital of France?", "en"),
        ("What are you waiting for?", "en"),
        ("I do not want to die.", "en"),
        ("Yes", "en"),
        ("Kommst du mit?", "de"),
        ("a", "ja"),
        ("A!", "en"),
    ],
)
def test_is_whole(text: str, language: str) -> None:
    assert not unfinished(text, language)


@pytest.mark.parametrize("text", ["", "Mhm.", "Yeah, right.", "Uh-huh, okay", "I see.", "Ja, genau.", "D\u2019accord."])
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

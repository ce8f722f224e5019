"""Texts that stop where nobody ends a sentence."""

from __future__ import annotations

import pytest

from vaidol.nodes.turn._unfinished import unfinished


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

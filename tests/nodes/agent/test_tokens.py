"""How many tokens a text has: by script, and as the model reports it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.nodes.agent._tokens import MESSAGE, Tokens, estimate


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("Nice to meet you all", 5),
        ("\u4f60\u597d\u5417", 3),
        ("\u3053\u3093\u306b\u3061\u306f", 5),
        ("\uc548\ub155", 2),
        ("\u043f\u0440\u0438\u0432\u0435\u0442", 3),
        ("I am \u4f60\u597d", 3.25),
    ],
)
def test_scripts_count_differently(text: str, tokens: float) -> None:
    assert estimate(text) == tokens


def test_what_the_model_reports_corrects_the_estimate() -> None:
    tokens, texts = Tokens(), ["x" * 400, "y" * 400]
    assert tokens.count("x" * 400) == 100
    tokens.learn(texts, 300 + 2 * MESSAGE)
    assert tokens.count("x" * 400) == 150
    tokens.learn(texts, 200 + 2 * MESSAGE)
    assert tokens.count("x" * 400) == 125


@pytest.mark.parametrize("reported", [0, 8, 100_000])
def test_reports_that_cannot_be_true_are_not_believed(reported: int) -> None:
    tokens = Tokens()
    tokens.learn(["x" * 400], reported)
    tokens.learn([], reported)
    assert tokens.factor == 1


@given(st.text(max_size=200), st.integers(0, 60))
def test_a_part_has_no_more_tokens_than_asked_and_could_not_be_longer(text: str, most: int) -> None:
    tokens = Tokens()
    end, beginning = tokens.end(text, most), tokens.beginning(text, most)
    assert text.endswith(end)
    assert text.startswith(beginning)
    assert estimate(end) <= most
    assert estimate(beginning) <= most
    assert end == text or estimate(text[-len(end) - 1 :]) > most

"""What of a chat is let through."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vaidol.nodes.chat._crowd import MENTION, OTHER, PAID, QUESTION, SEEN, ChatSettings, Crowd, Said


def said(text: str, user: str = "u", *, id: str = "", paid: bool = False) -> Said:
    return Said(id, user, user.title(), text, paid)


def crowd(**settings: Any) -> Crowd:
    """One that counts in `why_not` what it drops."""
    why_not: Counter[str] = Counter()
    made = Crowd(ChatSettings(**settings), lambda why: why_not.update([why]))
    made.why_not = why_not  # type: ignore[attr-defined]
    return made


def test_messages_are_ranked() -> None:
    chat = crowd(mention="Vai")
    assert chat.judge(said("hi"), 0) == OTHER
    assert chat.judge(said("what is that?"), 0) == QUESTION
    assert chat.judge(said("VAI look"), 0) == MENTION
    assert chat.judge(said("all in vain"), 0) == OTHER
    assert chat.judge(said("thanks", paid=True), 0) == PAID


def test_nobody_is_heard_twice_or_too_often() -> None:
    chat = crowd(per_user=2, per_minute=3)
    assert chat.judge(said("a", id="1"), 0) is not None
    assert chat.judge(said("other words", id="1"), 1) is None
    assert chat.judge(said("A"), 2) is None
    assert chat.judge(said("b"), 3) is not None
    assert chat.judge(said("c"), 4) is None
    assert chat.judge(said("c", paid=True, id="p"), 4) is None  # the same words a moment later
    assert chat.judge(said("d", "v"), 5) is not None
    assert chat.judge(said("e", "w"), 6) is None
    assert chat.judge(said("f", "w", paid=True), 6) == PAID
    assert chat.judge(said("a"), 70) is not None
    assert chat.why_not == {"repeated": 3, "hurried": 1, "crowded": 1}  # type: ignore[attr-defined]


def test_what_is_blocked_is_not_heard() -> None:
    chat = crowd(block=["sp[a4]m", "^buy"], block_users=["NightBot"])
    for message in (
        said("this is SP4M"),
        said("Buy now"),
        said("hi", "nightbot"),
        said("!song"),
        said("ok", "spammer"),
    ):
        assert chat.judge(message, 0) is None
    assert crowd(commands=True).judge(said("!song"), 0) is not None
    with pytest.raises(ValidationError, match="no regular expression"):
        ChatSettings(block=["("])


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=8), st.text(max_size=5)), max_size=60))
def test_what_comes_out_is_clean_and_bounded(messages: list[tuple[str, str, str]]) -> None:
    chat = crowd(length=20, per_user=3, per_minute=10)
    through = 0
    for number, (text, user, name) in enumerate(messages):
        one = chat.clean(Said(id=str(number), user=user, name=name, text=text))
        assert len(one.text) <= 20
        assert "\n" not in one.text
        assert one.name
        through += chat.judge(one, number / 1000) is not None
    assert through <= 10


def test_memory_of_the_past_is_bounded() -> None:
    chat = crowd(per_minute=100_000)
    for number in range(3 * SEEN):
        chat.judge(said(f"text {number}", f"user {number}", id=str(number)), number)
    assert len(chat._seen) <= 2 * SEEN

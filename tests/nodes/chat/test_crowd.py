"""What of a chat is let through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vaidol.nodes.chat._crowd import MENTION, OTHER, PAID, QUESTION, SEEN, ChatSettings, Crowd, Said


def said(text: str, user: str = "u", *, id: str = "", paid: bool = False) -> Said:
    return Said(id, user, user.title(), text, paid)


def test_messages_are_ranked() -> None:
    crowd = Crowd(ChatSettings(mention="Vai"))
    assert crowd.judge(said("hi"), 0) == OTHER
    assert crowd.judge(said("what is that?"), 0) == QUESTION
    assert crowd.judge(said("VAI look"), 0) == MENTION
    assert crowd.judge(said("thanks", paid=True), 0) == PAID


def test_nobody_is_heard_twice_or_too_often() -> None:
    crowd = Crowd(ChatSettings(per_user=2, per_minute=3))
    assert crowd.judge(said("a", id="1"), 0) is not None
    assert crowd.judge(said("other words", id="1"), 1) is None
    assert crowd.judge(said("A"), 2) is None
    assert crowd.judge(said("b"), 3) is not None
    assert crowd.judge(said("c"), 4) is None
    assert crowd.judge(said("c", paid=True, id="p"), 4) is None  # the same words a moment later
    assert crowd.judge(said("d", "v"), 5) is not None
    assert crowd.judge(said("e", "w"), 6) is None
    assert crowd.judge(said("f", "w", paid=True), 6) == PAID
    assert crowd.judge(said("a"), 70) is not None
    dropped = crowd.dropped
    assert (dropped.repeated, dropped.hurried, dropped.crowded) == (3, 1, 1)


def test_what_is_blocked_is_not_heard() -> None:
    crowd = Crowd(ChatSettings(block=["sp[a4]m", "^buy"], block_users=["NightBot"]))
    for message in (
        said("this is SP4M"),
        said("Buy now"),
        said("hi", "nightbot"),
        said("!song"),
        said("ok", "spammer"),
    ):
        assert crowd.judge(message, 0) is None
    assert Crowd(ChatSettings(commands=True)).judge(said("!song"), 0) is not None
    with pytest.raises(ValidationError, match="no regular expression"):
        ChatSettings(block=["("])


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=8), st.text(max_size=5)), max_size=60))
def test_what_comes_out_is_clean_and_bounded(messages: list[tuple[str, str, str]]) -> None:
    crowd = Crowd(ChatSettings(length=20, per_user=3, per_minute=10))
    through = 0
    for number, (text, user, name) in enumerate(messages):
        one = crowd.clean(Said(id=str(number), user=user, name=name, text=text))
        assert len(one.text) <= 20
        assert "\n" not in one.text
        assert one.name
        through += crowd.judge(one, number / 1000) is not None
    assert through <= 10


def test_memory_of_the_past_is_bounded() -> None:
    crowd = Crowd(ChatSettings(per_minute=100_000))
    for number in range(3 * SEEN):
        crowd.judge(said(f"text {number}", f"user {number}", id=str(number)), number)
    assert len(crowd._seen) <= 2 * SEEN

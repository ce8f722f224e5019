"""Words that firm up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vaidol.nodes.asr._confirmed import Confirmed


def test_what_two_hearings_agree_on_stays() -> None:
    growing = Confirmed(1)
    assert growing.take("What is the cat") == "What is the cat"
    assert growing.take("What is the capital of") == "What is the capital of"
    assert growing.take("What was the capital of France?") == "What is the capital of France?"
    assert growing.take("what, is the capital of France?") == "What is the capital of France?"


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "B."]), max_size=6).map(" ".join), max_size=8))
def test_a_confirmed_word_is_never_rewritten(hearings: list[str]) -> None:
    growing, firm = Confirmed(1), []
    last: list[str] = []
    for text in hearings:
        shown = growing.take(text).split()
        assert shown[: len(firm)] == firm
        same = 0
        for one, other in zip(last, text.split(), strict=False):
            if one.strip(".").lower() != other.strip(".").lower():
                break
            same += 1
        firm = shown[: max(len(firm), same)]
        last = text.split()

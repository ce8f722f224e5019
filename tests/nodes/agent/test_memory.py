"""What an agent remembers: turns in order, only what was heard, never more than its budget."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vaidol.nodes.agent._memory import JOINS, Conversation
from vaidol.nodes.agent._tokens import MESSAGE, estimate
from vaidol.nodes.agent._tools import Call, Round

HEAD = [
    {"role": "system", "content": "Be nice."},
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "hey"},
]


def conversation(**how: int) -> Conversation:
    return Conversation("Be nice.", [("hi", "hey")], **how)


def past(memory: Conversation) -> list[str]:
    return [message["content"] for message in memory.messages()[len(HEAD) :]]


def test_the_head_comes_first() -> None:
    assert conversation().messages() == HEAD


def test_sentences_add_up_and_a_reply_of_another_generation_is_not_touched() -> None:
    memory = conversation()
    memory.user("one", 1)
    memory.begin(1)
    memory.heard(1, "A.")
    memory.heard(2, "X.")
    memory.heard(1, "B.")
    memory.end(2)
    memory.cut(2, "Y")
    memory.end(1)
    memory.heard(1, "late")
    assert past(memory) == ["one", "A. B."]


def test_what_tools_did_is_remembered_also_of_a_reply_that_nobody_heard_and_goes_before_words_do() -> None:
    memory = conversation(budget=60)
    memory.tools = True
    memory.user("one", 1)
    memory.begin(1)
    work = Round("Well.", [Call("c", "send", '{"to": "Bo"}')], ["sent " * 20])
    memory.used(1, work, 10)
    memory.used(7, work, 10)
    memory.cut(1, "")
    memory.user("two", 2)
    [one, reply, two] = memory.messages()[len(HEAD) :]
    assert (one["content"], reply["content"], two["content"]) == ("one", "", "two")
    [kept] = reply["rounds"]
    assert kept.calls == work.calls
    assert 20 < len(kept.results[0]) <= 40
    memory.tools = False
    assert past(memory) == ["one two"]
    memory.tools = True
    memory.user("three " * 40, 3)
    assert all("rounds" not in message for message in memory.messages())
    assert past(memory)[-1].rstrip().endswith("three three")


def test_a_cut_replaces_what_was_counted_as_heard() -> None:
    memory = conversation()
    memory.user("one", 1)
    memory.begin(1)
    memory.said("A. B. C.")
    memory.heard(1, "A.")
    memory.cut(1, "A. B")
    memory.user("two", 2)
    assert past(memory) == ["one", "A. B", "two"]


def test_a_reply_that_was_not_heard_is_forgotten_and_the_questions_become_one() -> None:
    memory = conversation()
    memory.user("one", 1)
    memory.begin(1)
    memory.said("never played")
    memory.cut(1, "")
    memory.user("two", 2)
    assert past(memory) == ["one two"]


def test_a_greeting_is_remembered_behind_a_user_who_joins() -> None:
    memory = conversation()
    memory.begin(1)
    memory.heard(1, "I am Vai!")
    memory.end(1)
    memory.user("one", 2)
    assert past(memory) == [JOINS, "I am Vai!", "one"]


def test_old_talk_is_forgotten_in_large_steps_and_what_is_left_begins_with_the_user() -> None:
    memory, counts = conversation(budget=70), []
    for gen in range(1, 40):
        memory.user(f"question {gen:03}", gen)  # 12 characters: 3 tokens, and 4 around them
        memory.begin(gen)
        memory.heard(gen, f"answer {gen:03}")  # 2.5 and 4
        memory.end(gen)
        told = memory.messages()[len(HEAD) :]
        assert told[0]["role"] == "user"
        assert told[-1]["content"] == f"answer {gen:03}"
        counts.append(len(told))
    assert max(counts) <= 12
    assert sum(after < before for before, after in pairwise(counts)) <= 39 / 3


def test_shrink_halves_until_only_the_last_word_is_left() -> None:
    memory = conversation()
    for gen in range(8):
        memory.user(f"text number {gen}", gen)
    sizes = [len(memory.messages()[-1]["content"])]
    while memory.shrink():
        sizes.append(len(memory.messages()[-1]["content"]))
    assert sizes == sorted(sizes, reverse=True)
    assert past(memory) == ["text number 7"]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("user"), st.text(max_size=60)),
        st.tuples(st.sampled_from(["begin", "end", "shrink", "abandon"]), st.just("")),
        st.tuples(st.sampled_from(["said", "heard", "cut"]), st.text(max_size=60)),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_happens_the_sides_take_turns_within_the_budget(steps: list[tuple[str, str]]) -> None:
    memory, gen = conversation(budget=100), 0
    for deed, text in steps:
        gen += deed == "user"
        match deed:
            case "user":
                memory.user(text, gen)
            case "said":
                memory.said(text)
            case "shrink":
                memory.shrink()
            case "heard" | "cut":
                getattr(memory, deed)(gen, text)
            case _:
                getattr(memory, deed)(gen)
        told = memory.messages()[len(HEAD) :]
        assert all(message["content"] for message in told)
        assert all(a["role"] != b["role"] for a, b in pairwise(told))
    memory.user("x", gen + 1)
    told = [message["content"] for message in memory.messages()[len(HEAD) :] if message["content"] != JOINS]
    assert sum(map(estimate, told)) + MESSAGE * len(told) <= 100


def test_a_summary_counts_within_the_budget_and_goes_on_with_the_talk() -> None:
    memory, other = conversation(budget=200), conversation(budget=200)
    memory.summarises = True
    for gen in range(1, 12):
        memory.user(f"question {gen:03} " * 3, gen)
        memory.begin(gen)
        memory.heard(gen, f"answer {gen:03}")
        memory.end(gen)
    old = memory.fading()
    assert old
    assert memory.fade(old, "they asked a lot " * 50)
    assert not memory.fade(old, "again")
    told = past(memory)
    assert told[0].startswith("(Said earlier: they asked a lot they asked")
    assert sum(map(estimate, told)) + MESSAGE * len(told) <= 200
    other.go_on(memory)
    assert past(other) == told


def test_a_summary_that_comes_after_another_conversation_was_taken_up_is_refused() -> None:
    memory = conversation(budget=200)
    memory.summarises = True
    for gen in range(1, 12):
        memory.user(f"question {gen:03} " * 3, gen)
        memory.begin(gen)
        memory.heard(gen, f"answer {gen:03}")
    old = memory.fading()
    memory.recall([(1, "user", "something else")])
    assert not memory.fade(old, "questions")
    assert past(memory) == ["something else"]

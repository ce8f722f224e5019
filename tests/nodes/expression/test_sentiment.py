"""The face that a sentence calls for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.nodes.expression._sentiment import feel
from vaidol.nodes.text._cue_names import EXPRESSIONS


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I am so happy to see you!", "joy"),
        ("Hello there, nice to meet you.", "joy"),
        ("That is not bad at all.", "joy"),
        ("I can't wait!", "joy"),
        ("I've never been happier.", "joy"),
        ("Isn't it great?!", "joy"),
        ("Don't worry, it is fine.", "joy"),
        ("It was sad, but now I am happy.", "joy"),
        ("Haha, good one!", "joy"),
        ("I'd love to help you with that.", "joy"),
        ("Not only happy, I am proud.", "joy"),
        ("I am not happy.", "sadness"),
        ("I'm not very happy about this.", "sadness"),
        ("I don't love it.", "sadness"),
        ("It was fun, but I am sad now.", "sadness"),
        ("I'm sorry to hear that.", "sadness"),
        ("Unfortunately, my dog died.", "sadness"),
        ("I miss you.", "sadness"),
        ("I hate this, it is outrageous!", "anger"),
        ("How dare you!", "anger"),
        ("Wow, I did not expect that!", "surprise"),
        ("You did what?!", "surprise"),
        ("Really? Tell me more.", "surprise"),
        ("I am afraid of the dark.", "fear"),
        ("That is so scary and dangerous.", "fear"),
        ("Eww, that's gross!", "disgust"),
        ("Hehe, you will see.", "smirk"),
        ("Oh, this is embarrassing...", "shy"),
        ("I love you.", "love"),
        ("She loved him dearly.", "love"),
        ("Hmm, let me think.", "thinking"),
        ("I'm not sure about that.", "thinking"),
        ("Perhaps.", "thinking"),
        # faces
        ("Okay 😊", "joy"),
        ("Okay :)", "joy"),
        ("Okay :(", "sadness"),
        ("Okay T_T", "sadness"),
        ("You <3", "love"),
        ("So be it ;)", "smirk"),
        # other languages
        ("Ich bin sehr glücklich!", "joy"),
        ("Ich bin nicht glücklich.", "sadness"),
        ("Das tut mir leid.", "sadness"),
        ("Ich liebe dich.", "love"),
        ("Je suis très heureuse !", "joy"),
        ("Je ne suis pas content.", "sadness"),
        ("J'ai peur.", "fear"),
        ("Estoy muy feliz.", "joy"),
        ("Tengo miedo.", "fear"),
        ("我很开心！", "joy"),
        ("我不开心。", "sadness"),
        ("とても嬉しいです！", "joy"),
        ("嬉しくない。", "sadness"),
        ("怖いよ。", "fear"),
        ("정말 행복해요", "joy"),
    ],
)
def test_feelings(text: str, name: str) -> None:
    found, weight = feel(text)
    assert (found, weight > 0) == (name, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "...",
        "The train leaves at nine.",
        "It is like a kind of box.",
        "There are three of them, of course.",
        "I am not angry.",
        "I'm not sad.",
        "She is not afraid.",
        "He was never surprised.",
        "There is no danger.",
        "Paris is the capital of France.",
        "What time is it?",
        "The deadline is Monday.",
        "Er fährt nach Hause.",
        "今天是星期一。",
        "12345",
    ],
)
def test_neutral_when_unsure(text: str) -> None:
    assert feel(text) == ("neutral", 0.0)


def test_weight_follows_strength() -> None:
    weights = [
        feel(text)[1] for text in ("I am a little happy.", "I am happy.", "I am very happy.", "I am VERY happy!!")
    ]
    assert weights == sorted(set(weights))
    assert feel("Happy happy happy joy!!!")[1] == 1.0


@given(
    st.text(max_size=80)
    | st.lists(
        st.sampled_from(["not", "happy", "sad", "!", "?", ",", "but", "n't", "very", "😊", "不", "开心", ":(", "love"]),
        max_size=12,
    ).map(" ".join)
)
def test_any_text_gives_a_known_name_and_a_weight(text: str) -> None:
    name, weight = feel(text)
    assert name in EXPRESSIONS
    assert 0.0 <= weight <= 1.0
    assert (name == "neutral") == (weight == 0.0)

"""Whisper hears what is said, and nothing where nothing is said; texts that start over are cut."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.conftest import Speaker
from vaidol.models import whisper as whisper_module
from vaidol.models.errors import LoadError
from vaidol.models.whisper import F32, RATE, Whisper, restart

models = pytest.mark.models
RANDOM = np.random.default_rng(0)
NOISE = RANDOM.normal(0, 1, 3 * RATE).astype(np.float32)
TIME = np.arange(3 * RATE) / RATE
QUESTIONS = [
    "Can you tell me a story about a dragon and a princess?",
    "Please explain how a bicycle works.",
    "Why is the sky blue?",
    "What do you like to do on weekends?",
]

TOPICS = [  # all different: Whisper itself leaves out what is said twice
    "My brother lives in a small town near the river.",
    "Yesterday we went to the market and bought some apples.",
    "The train was late again because of the heavy snow.",
    "I would like to learn how to play the piano.",
    "There are many stars in the sky tonight.",
    "She painted the old wooden door bright green.",
    "Please remember to water the plants in the garden.",
    "Our teacher told us about the history of Rome.",
    "The children are playing football in the park.",
    "He opened the window and looked out at the sea.",
]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


@models
@pytest.mark.parametrize("question", QUESTIONS)
def test_what_hibari_says_is_heard_word_for_word(whisper: Whisper, say: Speaker, question: str) -> None:
    heard = whisper.transcribe(say(question))
    assert words(heard.text) == words(question)
    assert (heard.language, heard.padded) == ("en", False)
    assert heard.mean_logprob > -0.5
    assert heard.no_speech < 0.5


@models
def test_another_voice_is_heard(whisper: Whisper, say_otherwise: Speaker) -> None:
    assert words(whisper.transcribe(say_otherwise("What is the capital of France?")).text) == words(
        "What is the capital of France?"
    )


SILENT = {
    "nothing": NOISE[:0],
    "three samples": NOISE[:3],
    "30 ms": 0.1 * NOISE[:500],
    "silence": 0 * NOISE,
    "not a number": np.nan * NOISE,
    "infinite": np.inf * NOISE,
    "hiss": 0.003 * NOISE,
    "noise": 0.05 * NOISE,
    "loud noise": 0.5 * NOISE,
    "tone": 0.3 * np.sin(2 * np.pi * 440 * TIME),
    "mains hum": 0.1 * np.sin(2 * np.pi * 50 * TIME),
    "clicks": 0.8 * (np.abs(NOISE) > 3.5),
    "offset": 0.5 + 0 * NOISE,
}


@models
@pytest.mark.parametrize("sound", SILENT.values(), ids=SILENT.keys())
def test_where_nobody_speaks_nothing_is_heard(whisper: Whisper, sound: F32) -> None:
    heard = whisper.transcribe(np.nan_to_num(sound).astype(np.float32) if np.isfinite(sound).all() else sound)
    assert heard.text == ""
    assert heard.no_speech > 0.5


@models
def test_long_sound_is_cut_at_quiet_places(whisper: Whisper, say: Speaker) -> None:
    sentences = [*QUESTIONS, *TOPICS]
    pause = np.zeros(RATE // 3, np.float32)
    sound = np.concatenate([part for sentence in sentences for part in (say(sentence), pause)])
    assert len(sound) > 30 * RATE
    heard = words(whisper.transcribe(sound).text)
    assert SequenceMatcher(None, heard, words(" ".join(sentences))).ratio() > 0.95, heard


@models
def test_a_doubtful_hearing_is_repeated_in_full(
    whisper: Whisper, say: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper_module, "LIKELY", 0.0)
    sound = say(QUESTIONS[2])
    assert whisper.transcribe(sound).padded
    assert not whisper.transcribe(sound, again=False).padded
    assert words(whisper.transcribe(sound).text) == words(QUESTIONS[2])


@models
def test_a_prompt_teaches_spelling(whisper: Whisper, say: Speaker) -> None:
    assert words(whisper.transcribe(say(QUESTIONS[0]), prompt="A talk about fairy tales.").text) == words(QUESTIONS[0])


@models
def test_an_english_model_refuses_other_languages(whisper: Whisper) -> None:
    assert whisper.transcribe(0 * NOISE, language="en-GB").language == "en"
    with pytest.raises(ValueError, match="hears English only, not 'de'"):
        whisper.transcribe(0 * NOISE, language="de")
    with pytest.raises(ValueError, match="shape"):
        whisper.transcribe(np.zeros((2, 100), np.float32))


def test_a_folder_that_is_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"model\.bin"):
        Whisper(tmp_path)


LOOPS = {
    "Why is the sky blue? Why is the sky blue?": "Why is the sky blue? ",
    "Tell me a story. Tell me a story. Tell me a": "Tell me a story. ",
    "What time is it in Tokyo? What time is it": "What time is it in Tokyo? ",
    "the the the the": "the ",
    "I see you you you know, know, know.": "I see you ",
}


@pytest.mark.parametrize(("text", "kept"), LOOPS.items())
def test_a_text_that_starts_over_is_cut(text: str, kept: str) -> None:
    cut = restart(text)
    assert cut is not None
    assert text[:cut] == kept


@pytest.mark.parametrize(
    "text", ["", "Hello!", "No, no.", "Bye bye.", "Who are you, and who am I?", "So far, so good, so what?", "1 2 1 2"]
)
def test_what_people_say_is_left_alone(text: str) -> None:
    assert restart(text) is None


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), max_size=24))
def test_what_is_cut_is_a_beginning_said_before(said: list[str]) -> None:
    text = " ".join(said)
    cut = restart(text)
    if cut is not None:
        assert 0 < cut < len(text)
        assert text[cut:].split()[0] in text[:cut].split()


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), min_size=3, max_size=8))
def test_a_sentence_said_twice_is_found(said: list[str]) -> None:
    assert restart(" ".join(said * 2)) is not None

"""What counts as heard: whole words from the beginning, by the voice's times or by their share of the sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.graph.frames import Audio, Sentence, Word
from vaidol.graph.heard import RATE, WORD, Spoken, due_ms


def spoken(text: str, speech: str, words: tuple[Word, ...], *, ms: float, played_ms: float) -> Spoken:
    """A sentence of `ms` of sound, given whole."""
    log = Spoken(Sentence(text=text, speech=speech))
    log.give(Audio(samples=np.zeros(int(ms * RATE / 1000), np.float32), rate=RATE, words=words))
    log.give(Audio(rate=RATE, sentence_end=True, words=words))
    log.played = int(played_ms * RATE / 1000)
    return log


def times(*words: tuple[str, float, float]) -> tuple[Word, ...]:
    return tuple(Word(*word) for word in words)


NINE = times(("I", 100, 200), ("have", 200, 900), ("forty-two", 900, 1500), ("cats", 1500, 1900))


@pytest.mark.parametrize(
    ("played_ms", "heard"),
    [(0, ""), (150, ""), (250, "I"), (899, "I"), (901, "I have"), (1450, "I have"), (1500, "I have 42"),
     (1899, "I have 42"), (1950, "I have 42 cats!"), (2400, "I have 42 cats!")],
)  # fmt: skip
def test_the_times_of_the_words_decide_where_the_voice_tells_them(played_ms: float, heard: str) -> None:
    log = spoken("I have 42 cats!", "I have forty-two cats!", NINE, ms=2400, played_ms=played_ms)
    assert log.heard() == heard


def test_without_times_the_share_of_the_sound_decides() -> None:
    assert spoken("one two three four", "", (), ms=1000, played_ms=500).heard() == "one two"
    assert spoken("one two three four", "", (), ms=1000, played_ms=1000).heard() == "one two three four"


def test_in_scripts_without_spaces_every_character_is_a_word() -> None:
    assert spoken("今天天气很好。", "", (), ms=700, played_ms=350).heard() == "今天天"
    assert spoken("「そうです」と言った。", "", (), ms=1100, played_ms=520).heard() == "「そうで"
    said = times(("今天", 0, 400), ("天气", 400, 800), ("很好", 800, 1200))
    assert spoken("今天天气很好。", "今天天气很好。", said, ms=1300, played_ms=850).heard() == "今天天气"


def test_words_that_the_text_does_not_have_do_not_matter() -> None:
    odd = times(("zzz", 0, 100), ("two", 500, 600))
    assert spoken("one two three", "one two three", odd, ms=900, played_ms=650).heard() == "one two"
    assert spoken("one two three", "one two three", times(("zzz", 0, 100)), ms=900, played_ms=450).heard() == "one"


def test_a_cue_is_due_when_its_word_is_spoken() -> None:
    sentence = Sentence(text="I have 42 cats!", speech="I have forty-two cats!")
    assert due_ms(sentence, NINE, 0) == 100
    assert due_ms(sentence, NINE, 7) == 900, "before the number"
    assert due_ms(sentence, NINE, 10) == 1500
    assert due_ms(sentence, NINE, 15) is None, "behind the last word"
    assert due_ms(sentence, (), 7) is None


ALPHABET = "ab1 .,!'\"-—…()« »éß好き。、「」한국\n*"
TEXTS = st.text(ALPHABET, max_size=40)


@st.composite
def said(draw: st.DrawFn) -> tuple[str, str, tuple[Word, ...], float]:
    """A text, what is spoken for it, times of some of its words, and the length of its sound, ms."""
    text = draw(TEXTS)
    speech = draw(st.one_of(st.just(text), TEXTS))
    borders = sorted(draw(st.lists(st.floats(0, 3000), min_size=40, max_size=40)))
    names = [found.group() for found in WORD.finditer(draw(st.one_of(st.just(speech), TEXTS)))]
    words = tuple(Word(name, *borders[at : at + 2]) for at, name in enumerate(names[:39]))
    return text, speech, words[: draw(st.integers(0, 39))], draw(st.floats(1, 3000))


@given(said(), st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_what_was_heard_is_a_beginning_of_the_text_up_to_the_end_of_a_word(
    case: tuple[str, str, tuple[Word, ...], float], shares: list[float]
) -> None:
    text, speech, words, ms = case
    stripped = text.strip()
    ends = {0, len(stripped)} | {found.end() for found in WORD.finditer(stripped)}
    before = ""
    for share in sorted(shares):
        heard = spoken(text, speech, words, ms=ms, played_ms=ms * share).heard()
        assert stripped.startswith(heard)
        assert len(heard) in ends
        assert heard.startswith(before), "more is heard, never less"
        before = heard
    assert spoken(text, speech, words, ms=ms, played_ms=ms).heard() == stripped

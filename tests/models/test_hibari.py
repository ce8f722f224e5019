"""hibari's voice: trimmed, loud enough, never clipped, silent where there is nothing to say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.models.errors import ModelError
from vaidol.models.hibari import AUDIBLE, F32, RATE, Hibari, soft_limit, trim


def test_silence_round_a_sentence_is_cut(hibari: Hibari) -> None:
    sound = hibari.speak("What is the capital of France?")
    assert sound.dtype == np.float32
    assert 1.2 < len(sound) / RATE < 1.8
    audible = np.flatnonzero(np.abs(sound) > AUDIBLE)
    assert audible[0] / RATE <= 0.025
    assert (len(sound) - audible[-1]) / RATE <= 0.065
    assert 0.4 < np.abs(sound).max() < 1


@pytest.mark.parametrize("text", ["", " \n", "...", "?!", "(…)", "😀", "日本語。", "— –"])
def test_nothing_speakable_is_no_sound(hibari: Hibari, text: str) -> None:
    assert hibari.speak(text).shape == (0,)


def test_sentences_come_one_by_one_and_joined_with_a_pause(hibari: Hibari) -> None:
    text = "One is here. Another follows! Is that all?"
    parts = list(hibari.stream(text))
    assert len(parts) == 3
    assert len(hibari.speak(text)) == sum(map(len, parts)) + 2 * int(0.18 * RATE)


def test_a_text_without_an_end_starts_soon(hibari: Hibari) -> None:
    first, *rest = hibari.stream("and so on " * 60)
    assert len(first) / RATE < 20
    assert rest


def test_it_is_the_same_every_time_and_in_every_thread(hibari: Hibari) -> None:
    texts = ["Hello there.", "How are you today?"] * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(hibari.speak, texts))
    for text, sound in zip(texts, together, strict=True):
        np.testing.assert_array_equal(sound, hibari.speak(text))


def test_speed_is_bounded(hibari: Hibari) -> None:
    slow, fast = hibari.speak("A word or two.", speed=0.7), hibari.speak("A word or two.", speed=1.5)
    assert len(slow) > 1.4 * len(fast)
    with pytest.raises(ValueError, match=r"0\.5 to 2"):
        hibari.speak("Too fast.", speed=3)


def test_an_unknown_voice_names_those_on_board() -> None:
    with pytest.raises(ModelError, match="no voice 'emma' on board; there are: heart"):
        Hibari("emma")


@given(st.lists(st.floats(-1e3, 1e3, width=32), max_size=50))
def test_the_limiter_keeps_order_sign_and_bounds(levels: list[float]) -> None:
    samples = np.sort(np.array(levels, np.float32))
    limited = soft_limit(samples)
    assert limited.dtype == np.float32
    assert np.all(np.abs(limited) < 1)
    assert np.all(np.diff(limited) >= 0)
    quiet = np.abs(samples) <= 0.7
    np.testing.assert_array_equal(limited[quiet], samples[quiet])


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros(100), np.ones(3), np.ones(50_000)])
def test_any_length_can_be_trimmed(sound: F32) -> None:
    kept = trim(sound.astype(np.float32))
    assert len(kept) == (len(sound) if sound.any() else 0)
    assert not len(kept) or kept[0] == kept[-1] == 0 or len(kept) < 4

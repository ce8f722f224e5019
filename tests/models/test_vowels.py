"""Vowels understood: of made-up voices, and of voices the network has not learnt from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from vaidol.models import vowels as module
from vaidol.models.vowels import BANDS, VOWELS, Vowels
from vaidol.tests.bench import _vowels as voices


def test_made_up_voices_are_understood() -> None:
    chance = np.random.default_rng(7)
    assert voices.accuracy(voices.formant(chance, vowel) for vowel in VOWELS for _ in range(60))["all"] > 0.85


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_voices_it_never_heard_are_understood() -> None:
    assert not set(voices.LEARNT) & set(voices.HELD_OUT)
    assert voices.accuracy(voices.espeak(["f2", "m5", "adam"]))["all"] > 0.9


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 48_000])
def test_any_rate_and_any_loudness_give_the_same(rate: int) -> None:
    sound = voices.formant(np.random.default_rng(3), "A", rate=rate)
    vowels = Vowels(rate)
    moment = next(sound.moments(vowels.size))
    likely = vowels(moment)
    assert likely.shape == (5,)
    assert likely.sum() == pytest.approx(1)
    assert VOWELS[int(likely.argmax())] == "A"
    assert vowels(moment * np.float32(0.01)) == pytest.approx(likely, abs=1e-3)


def test_silence_is_some_distribution_too() -> None:
    vowels = Vowels(48_000)
    assert vowels(np.zeros(vowels.size, np.float32)).sum() == pytest.approx(1)


def test_the_weights_are_of_the_shape_of_the_code() -> None:
    told = json.loads(Path(module.__file__).with_name("vowels.json").read_text())
    shapes = {name: np.shape(weight) for name, weight in told.items()}
    hidden = shapes["hidden_b"][0]
    assert shapes == {"hidden_w": (hidden, BANDS), "hidden_b": (hidden,), "out_w": (5, hidden), "out_b": (5,)}


def test_learning_finds_what_is_there_to_find() -> None:
    chance = np.random.default_rng(1)
    middles = chance.normal(size=(5, BANDS))
    wanted = chance.integers(0, 5, 600)
    weights = voices.learn(middles[wanted] + chance.normal(0, 0.3, (600, BANDS)), wanted, hidden=8, steps=200)
    inner = np.tanh(middles @ weights["hidden_w"].T + weights["hidden_b"])
    assert list((inner @ weights["out_w"].T + weights["out_b"]).argmax(axis=1)) == [0, 1, 2, 3, 4]

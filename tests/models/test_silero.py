"""Silero tells speech from silence, noise and tones; streams do not mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.models.conftest import Speaker
from vaidol.models.errors import LoadError
from vaidol.models.silero import F32, RATE, WINDOW, Silero

pytestmark = pytest.mark.models

SENTENCE = "What is the capital of France, and why is it famous?"
NOISE = np.random.default_rng(0).normal(0, 1, 2 * RATE).astype(np.float32)


def windows(samples: F32) -> F32:
    return samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)


def listen(silero: Silero, samples: F32) -> F32:
    state = silero.state()
    return np.array([silero.probability(window, state) for window in windows(samples)], np.float32)


def test_speech_is_heard(silero: Silero, say: Speaker) -> None:
    assert np.mean(listen(silero, say(SENTENCE)) > 0.5) > 0.8


def test_another_voice_is_heard_even_faintly(silero: Silero, say_otherwise: Speaker) -> None:
    assert np.mean(listen(silero, 0.05 * say_otherwise(SENTENCE)) > 0.5) > 0.7


@pytest.mark.parametrize(
    "sound",
    [0 * NOISE, 0.01 * NOISE, 0.3 * NOISE, 0.3 * np.sin(np.arange(2 * RATE) * 2 * np.pi * 440 / RATE), np.nan * NOISE],
    ids=["silence", "hiss", "loud noise", "tone", "not a number"],
)
def test_what_is_no_speech_is_not_heard(silero: Silero, sound: F32) -> None:
    assert listen(silero, sound.astype(np.float32)).max() < 0.3


def test_a_batch_hears_what_single_streams_hear(silero: Silero, say: Speaker) -> None:
    one, two = windows(say(SENTENCE)), windows(say("Hello there, my friend, how are you?"))
    length = min(len(one), len(two))
    states = (silero.state(), silero.state())
    both = np.array([silero.probabilities(np.stack((one[i], two[i])), states) for i in range(length)])
    np.testing.assert_allclose(both[:, 0], listen(silero, one[:length].ravel()), atol=1e-4)
    np.testing.assert_allclose(both[:, 1], listen(silero, two[:length].ravel()), atol=1e-4)


def test_a_reset_state_has_heard_nothing(silero: Silero, say: Speaker) -> None:
    state = silero.state()
    speech = windows(say(SENTENCE))
    first = [silero.probability(window, state) for window in speech[:20]]
    state.reset()
    assert [silero.probability(window, state) for window in speech[:20]] == first


@pytest.mark.parametrize("shape", [(1, 480), (2, 512), (512,), (0, 512)])
def test_a_wrong_shape_is_refused(silero: Silero, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        silero.probabilities(np.zeros(shape, np.float32), [silero.state()] * (shape[0] == 1))


def test_a_file_that_is_no_network_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    for name in ("bad.onnx", "none.onnx"):
        with pytest.raises(LoadError, match=name):
            Silero(tmp_path / name)

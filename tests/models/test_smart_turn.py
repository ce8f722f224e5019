"""Smart Turn: its features, its judgement on whole and broken-off sentences, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vaidol.models.errors import LoadError
from vaidol.models.smart_turn import RATE, WINDOW, SmartTurn
from vaidol.models.store import Store


@pytest.fixture(scope="module")
def network() -> SmartTurn:
    store = Store()
    store.pull("smart-turn-v3.2")
    return SmartTurn(store.path("smart-turn-v3.2"))


def say(text: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """`text` spoken at 16 kHz, with 200 ms of silence behind its last loud sample."""
    import soxr

    from vaidol.tests.bench import _speech as speech

    samples = soxr.resample(speech.say(text), speech.RATE, RATE).astype(np.float32)
    last = int(np.flatnonzero(np.abs(samples) > 0.01)[-1])
    return np.concatenate([samples[:last], np.zeros(RATE // 5, np.float32)])


@pytest.mark.models
def test_whole_sentences_sound_more_finished_than_broken_off_ones(network: SmartTurn) -> None:
    whole = [network.finished(say(text)) for text in ("What is the capital of France?", "Can you help me, please?")]
    broken = [network.finished(say(text)) for text in ("I think that um", "Because when I was young and")]
    assert min(whole) > max(broken)


@pytest.mark.models
def test_only_the_last_eight_seconds_count_and_nonsense_is_silence(network: SmartTurn) -> None:
    speech = say("Where do penguins live?")
    noise = np.random.default_rng(0).normal(0, 0.1, WINDOW).astype(np.float32)
    padded = np.concatenate([np.zeros(WINDOW - len(speech), np.float32), speech])
    assert network.finished(np.concatenate([noise, padded])) == pytest.approx(network.finished(speech), abs=1e-4)
    speech[100] = np.nan
    assert 0 <= network.finished(speech) <= 1
    assert 0 <= network.finished(np.zeros(0, np.float32)) <= 1
    with pytest.raises(ValueError, match="shape"):
        network.finished(np.zeros((2, 100), np.float32))


@pytest.mark.models
def test_features_are_whispers(network: SmartTurn) -> None:
    features = network.features(say("Hello there."))
    assert features.shape == (80, 800)
    assert features.dtype == np.float32
    assert features.max() - features.min() <= 2.0 + 1e-6  # 80 dB below the loudest, divided by four decades


@pytest.mark.models
def test_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="not Smart Turn"):
        SmartTurn(Store().path("silero-vad-16k"))
    (tmp_path / "a.onnx").write_bytes(b"nothing")
    with pytest.raises(LoadError):
        SmartTurn(tmp_path / "a.onnx")

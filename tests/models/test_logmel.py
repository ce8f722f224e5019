"""Log-mel features against those of Hugging Face's Whisper, band by band."""

from __future__ import annotations

import numpy as np
import pytest

from vaidol.models.logmel import LogMel, _filters


@pytest.mark.parametrize("bands", [80, 128])
def test_the_bands_are_those_that_whisper_was_trained_on(bands: int) -> None:
    from transformers.audio_utils import mel_filter_bank

    theirs = mel_filter_bank(201, bands, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney")
    assert np.allclose(_filters(bands), theirs.T, atol=1e-6)


@pytest.mark.parametrize("seconds", [0.5, 8.0, 30.0])
def test_the_features_are_those_that_whisper_was_trained_on(seconds: float) -> None:
    from transformers import WhisperFeatureExtractor

    random = np.random.default_rng(1)
    count = int(seconds * 16_000)
    sound = (np.sin(np.cumsum(0.05 + 0.04 * np.sin(np.arange(count) / 900))) * random.random(count)).astype(np.float32)
    theirs = WhisperFeatureExtractor(80, chunk_length=seconds)(sound, sampling_rate=16_000, return_tensors="np")
    ours = LogMel(80)(sound)
    assert ours.shape == (80, count // 160)
    assert ours.dtype == np.float32
    assert np.abs(ours - theirs.input_features[0][:, : count // 160]).max() < 1e-4

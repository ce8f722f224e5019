"""What the tests of the models share: the real weights, loaded once, and sentences spoken by hibari and espeak-ng."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import soxr

from vaidol.models.hibari import F32, Hibari
from vaidol.models.llama import Llama
from vaidol.models.silero import Silero
from vaidol.models.store import Store
from vaidol.models.whisper import Whisper

Speaker = Callable[[str], F32]


@pytest.fixture(scope="session")
def hibari() -> Hibari:
    return Hibari()


@pytest.fixture(scope="session")
def silero() -> Silero:
    return Silero(Store().path("silero-vad-16k"))


@pytest.fixture(scope="session")
def whisper() -> Whisper:
    return Whisper(Store().path("whisper-tiny.en"))


@pytest.fixture(scope="session")
def llama() -> Iterator[Llama]:
    model = Llama(Store().path("smollm2-135m-instruct"), context=512, slots=2)
    yield model
    model.close()


@pytest.fixture(scope="session")
def say(hibari: Hibari) -> Speaker:
    """Text -> (n,) float32 at 16 kHz, by the voice of the default pipeline."""
    return lambda text: np.asarray(soxr.resample(hibari.speak(text), 24_000, 16_000), np.float32)


@pytest.fixture(scope="session")
def say_otherwise() -> Speaker:
    """Text -> (n,) float32 at 16 kHz, by espeak-ng; skips where it is not installed."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")

    def say(text: str) -> F32:
        spoken = subprocess.run(["espeak-ng", "-v", "en-us", "--stdout", text], capture_output=True, check=True)
        with wave.open(io.BytesIO(spoken.stdout)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
            return np.asarray(
                soxr.resample(samples.astype(np.float32) / 32768, file.getframerate(), 16_000), np.float32
            )

    return say

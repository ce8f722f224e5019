"""Spoken test sentences: by espeak-ng, another synthesizer than any pipeline's, as 48 kHz WAV files."""

from __future__ import annotations

import io
import subprocess
import wave
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

RATE = 48_000  # Hz


def say(text: str, *, voice: str = "en-us", speed: int = 150) -> NDArray[np.float32]:
    """`text` as (n,) float32 mono at 48 kHz."""
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(speed), text]
    spoken = subprocess.run(command, capture_output=True, check=True, timeout=20).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(10**9), np.int16)
    return soxr.resample(samples.astype(np.float32) / 32768, rate, RATE).astype(np.float32)


def script(*parts: str | float, **how: object) -> NDArray[np.float32]:
    """Sentences and silences (seconds), one after the other: `script(1.0, "Hello there.", 8.0, "And you?")`."""
    pieces = [say(part, **how) if isinstance(part, str) else np.zeros(int(part * RATE), np.float32) for part in parts]
    return np.concatenate(pieces)


def write(path: Path, samples: NDArray[np.float32], rate: int = RATE) -> Path:
    """Write mono s16 WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def words(text: str) -> list[str]:
    """Small-letter words without punctuation: what a transcript is compared by."""
    return "".join(c if c.isalnum() or c == "'" else " " for c in text.lower()).split()

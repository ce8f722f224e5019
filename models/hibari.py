"""hibari: a small English voice, text in, 24 kHz sound out; a short sentence takes about 10 ms on one core.

The package (hibari-tts, Apache-2.0) brings the network and the pronouncing dictionary; what it leaves round a sentence
(0.3 s of silence before, 0.45 s after) is cut away here, and its quiet level is raised.
"""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.models.errors import ModelError

F32 = NDArray[np.float32]

RATE = 24_000  # Hz
GAIN = 2.0  # +6 dB: peaks of the raw voice are 0.25-0.45
KNEE = 0.7  # above this level the limiter bends
AUDIBLE = 0.004  # -48 dBFS, after the gain
LEAD_MS, TAIL_MS = 20, 60  # kept before the first and after the last audible sample
PAUSE_MS = 180  # between two sentences of one text, besides lead and tail
SPEEDS = (0.5, 2.0)
MAX_PHONEMES = 200  # of one run of the network, about 13 s: longer ones, without punctuation, are cut at a word


class UnknownVoice(ModelError):
    """No such voice is in the package."""


class Hibari:
    """The weights of one voice, shared by all sessions; nothing is remembered between two calls.

    Thread-safe: the dictionary is used under a lock.
    """

    def __init__(self, voice: str = "heart") -> None:
        """Load the voice and speak once, unheard: about half a second. Raises UnknownVoice: only bundled ones, which
        need no network."""
        from hibari import Hibari as Engine
        from hibari.voices import VOICES

        bundled = [name for name, about in VOICES.items() if about.get("bundled")]
        if voice not in bundled:
            raise UnknownVoice(f"hibari has no voice {voice!r} on board; there are: {', '.join(bundled)}")
        self.voice = voice
        self._engine: Any = Engine(voice, threads=1)
        self._lock = threading.Lock()
        self.speak("Hello.")

    def speak(self, text: str, *, speed: float = 1.0) -> F32:
        """Speak `text`: (n,) float32, 24 kHz, within (-1, 1); n is 0 when it has no letter or digit that can be spoken.

        `speed` 0.5-2, 1 is normal. The same text gives the same samples. Raises ValueError.
        """
        pause = np.zeros(RATE * PAUSE_MS // 1000, np.float32)
        parts: list[F32] = []
        for sound in self.stream(text, speed=speed):
            parts += [pause, sound] if parts else [sound]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def stream(self, text: str, *, speed: float = 1.0) -> Iterator[F32]:
        """The sentences of `text` as `speak` gives them, without the pauses, each as soon as it is ready."""
        if not SPEEDS[0] <= speed <= SPEEDS[1]:
            raise ValueError(f"speed {speed}: from {SPEEDS[0]} to {SPEEDS[1]}")
        with self._lock:
            sentences = self._engine.phonemize(text)
        for phonemes in (piece for sentence in sentences for piece in _pieces(sentence)):
            if any(character.isalpha() for character in phonemes):  # "..." would be half a second of breath
                sound = self._engine.from_phonemes(phonemes, speed, seed=0)
                yield trim(soft_limit(GAIN * np.asarray(sound, np.float32)))


def soft_limit(samples: F32) -> F32:
    """Leave samples (n,) up to ±KNEE as they are and bend the rest smoothly below ±1."""
    level = np.abs(samples)
    bent = KNEE + (1 - KNEE) * np.tanh((level - KNEE) / (1 - KNEE))
    limited: F32 = np.where(level <= KNEE, samples, np.copysign(np.minimum(bent, 0.999), samples)).astype(np.float32)
    return limited


def trim(samples: F32) -> F32:
    """Samples (n,) at 24 kHz without the silence round them; the ends kept fade, so that they do not click."""
    audible = np.flatnonzero(np.abs(samples) > AUDIBLE)
    if not len(audible):
        return np.zeros(0, np.float32)
    lead, tail = RATE * LEAD_MS // 1000, RATE * TAIL_MS // 1000
    start = max(0, int(audible[0]) - lead)
    end = min(len(samples), int(audible[-1]) + tail)
    kept = samples[start:end].copy()
    fade = min(lead, len(kept))
    kept[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
    kept[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return kept


def _pieces(phonemes: str) -> Iterator[str]:
    while len(phonemes) > MAX_PHONEMES:
        cut = phonemes.rfind(" ", 1, MAX_PHONEMES)
        cut = cut if cut > 0 else MAX_PHONEMES
        yield phonemes[:cut]
        phonemes = phonemes[cut:].lstrip()
    yield phonemes

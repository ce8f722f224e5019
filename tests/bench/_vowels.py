"""Vowels of many synthetic voices: what the vowel network learnt from, and others to try it on.

`python -m vaidol.tests.bench._vowels > models/vowels.json` learns it anew (espeak-ng and hibari are needed).
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import wave
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.models.vowels import BANDS, VOWELS, Vowels

Array = NDArray[Any]
LEARNT = [
    "m1", "m3", "m4", "m6", "m7", "m8", "f1", "f3", "f5", "Alex", "anika", "caleb", "david", "ed", "gene", "max",
    "michael", "rob", "shelby", "klatt", "klatt4", "croak",
]  # fmt: skip
HELD_OUT = [
    "m2", "m5", "f2", "f4", "adam", "Alicia", "Annie", "benjamin", "linda", "quincy", "steph", "klatt2", "belinda",
    "Andrea",
]  # fmt: skip
# espeak-ng's names of the vowels; a consonant before them makes the voice begin as in speech
PHONEMES = {
    "de": {"A": "ha:", "I": "hi:", "U": "hu:", "E": "he: hE", "O": "ho: hO"},
    "en": {"A": "hA:", "I": "hi:", "U": "hu:", "E": "hE", "O": "hO:"},
    "es": {"A": "ba", "I": "bi", "U": "bu", "E": "be", "O": "bo"},
}
# American English; every third is held out
WORDS = {
    "A": "spa ha shah bra calm palm father car far hot pot cot bomb top shop job lock rock guard heart dark park yard "
    "large hard star bar odd box clock",
    "I": "bee see key tea pea feet seat deep keep team he she need read week beat meet sheep cheap sleep steel field "
    "piece green three free tree leaf beach peace",
    "U": "boo shoe two zoo food moon soon cool boot too do who root tool goose loop noon room fruit juice blue true "
    "flew group soup rule school prove lose choose",
    "E": "bed pet get check ten step best less neck red men pen head said bread dead met net set wet dress guess yes "
    "press fresh chess shelf self belt left",
    "O": "go no show boat low store home coat goat row grow slow soap road toad nose rose hope rope stone bone cone "
    "note vote joke smoke cold gold old bowl",
}
# Formants in Hz of the source-filter voice, from the ranges that phonetics books give for men; it scales them
FORMANTS = {
    "A": ((730, 1090, 2440), (710, 1200, 2500), (660, 1250, 2450), (780, 1350, 2550), (800, 1250, 2390),
        (850, 1500, 2500)),
    "I": ((270, 2290, 3010), (300, 2200, 2900), (390, 1990, 2550), (280, 2400, 3100)),
    "U": ((300, 870, 2240), (320, 750, 2250), (440, 1020, 2240), (310, 950, 2300), (340, 1400, 2300),
        (360, 1600, 2350)),
    "E": ((530, 1840, 2480), (420, 2000, 2550), (480, 1900, 2500), (600, 1750, 2450), (650, 1700, 2450)),
    "O": ((570, 840, 2410), (450, 800, 2400), (500, 900, 2450), (480, 1050, 2350), (550, 950, 2400)),
}  # fmt: skip


@dataclass(frozen=True)
class Sound:
    """One vowel said once: samples (n,) float32 at `rate` Hz."""

    voice: str
    vowel: str
    samples: Array
    rate: int

    def moments(self, size: int, count: int = 5) -> Iterator[Array]:
        """Windows of `size` samples within the loudest 2 x `size`, where the vowel is."""
        power = np.cumsum(np.concatenate([[0.0], self.samples.astype(float) ** 2]))
        starts = np.arange(0, max(1, len(self.samples) - 2 * size), size // 4)
        ends = np.minimum(starts + 2 * size, len(self.samples))
        start = int(starts[(power[ends] - power[starts]).argmax()])
        for at in np.linspace(start, start + size, count).astype(int):
            if at + size <= len(self.samples):
                yield self.samples[at : at + size]


def espeak(voices: Iterable[str]) -> Iterator[Sound]:
    """All vowels of three languages at two pitches; nothing where espeak-ng is not installed."""
    program = shutil.which("espeak-ng")
    if program is None:
        return
    for voice in voices:
        for language, vowels in PHONEMES.items():
            for vowel, phonemes in vowels.items():
                for phoneme in phonemes.split():
                    for pitch in ("35", "60"):
                        said = [
                            program,
                            "-v",
                            f"{language}+{voice}",
                            "-p",
                            pitch,
                            "-s",
                            "110",
                            "--stdout",
                            f"[[{phoneme}]]",
                        ]
                        made = subprocess.run(said, capture_output=True, check=True).stdout
                        with wave.open(io.BytesIO(made)) as told:
                            rate = told.getframerate()
                        samples = np.frombuffer(made[44:], np.int16).astype(np.float32) / 32768
                        yield Sound(voice, vowel, samples, rate)


def hibari(*, held_out: bool) -> Iterator[Sound]:
    """Single words of the voice that ships."""
    from vaidol.models.hibari import Hibari

    voice = Hibari("heart")
    for vowel, words in WORDS.items():
        for number, word in enumerate(words.split()):
            if (number % 3 == 0) == held_out:
                samples = np.concatenate(list(voice.stream(f"{word.capitalize()}.", speed=0.8)))
                yield Sound("hibari", vowel, samples, 24_000)


def formant(chance: np.random.Generator, vowel: str, rate: int = 16_000, ms: int = 80) -> Sound:
    """A voice made up on the spot: any pitch from 80 to 320 Hz, any length of the vocal tract, some noise."""
    f0, scale = np.exp(chance.uniform(np.log(80), np.log(320))), chance.uniform(0.9, 1.28)
    base = FORMANTS[vowel][chance.integers(len(FORMANTS[vowel]))]
    tuned = np.array(base) * scale * chance.uniform(0.94, 1.06, 3)
    tuned[0] = max(tuned[0], f0)
    resonances = [*tuned, 3500 * scale, 4500 * scale]
    widths = [chance.uniform(50, 130), chance.uniform(60, 160), chance.uniform(90, 220), 200, 300]
    t = np.arange(rate * ms // 1000) / rate
    numbers = np.arange(1, int(0.475 * rate / f0))
    gains = (1 / numbers) ** chance.uniform(0.6, 1.6)
    for hz, width in zip(resonances, widths, strict=True):
        gains = gains * hz**2 / np.hypot(hz**2 - (numbers * f0) ** 2, width * numbers * f0)
    phases = 2 * np.pi * f0 * t * (1 + chance.uniform(-0.05, 0.05) * t / t[-1])
    waves = np.sin(numbers[:, None] * phases + chance.uniform(0, 2 * np.pi, len(numbers))[:, None])
    sound = (gains[:, None] * waves).sum(axis=0)
    sound /= np.sqrt(np.mean(sound**2))
    sound += chance.normal(size=len(t)) * 10 ** (chance.uniform(-60, -25) / 20)
    return Sound("formant", vowel, (0.1 * sound).astype(np.float32), rate)


def accuracy(sounds: Iterable[Sound]) -> dict[str, float]:
    """Share of moments understood, by voice, and of all as "all"."""
    rates: dict[int, Vowels] = {}
    right: dict[str, list[bool]] = {}
    for sound in sounds:
        if sound.rate not in rates:
            rates[sound.rate] = Vowels(sound.rate)
        vowels = rates[sound.rate]
        for moment in sound.moments(vowels.size):
            right.setdefault(sound.voice, []).append(VOWELS[int(vowels(moment).argmax())] == sound.vowel)
    shares = {voice: round(float(np.mean(told)), 3) for voice, told in right.items()}
    every = [one for told in right.values() for one in told]
    return {**shares, "all": round(float(np.mean(every)), 3)} if every else {}


def learn(inputs: Array, wanted: Array, *, hidden: int = 24, steps: int = 5000) -> dict[str, Array]:
    """Weights for inputs (n, BANDS) and the numbers of their vowels (n,): Adam on the cross entropy."""
    chance = np.random.default_rng(0)
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0)
    scaled, targets = (inputs - mean) / spread, np.eye(len(VOWELS))[wanted]
    weigh = 1 / np.bincount(wanted)[wanted]
    weigh = weigh / weigh.mean()
    weights = [chance.normal(0, BANDS**-0.5, (hidden, BANDS)), np.zeros(hidden)]
    weights += [chance.normal(0, hidden**-0.5, (len(VOWELS), hidden)), np.zeros(len(VOWELS))]
    first, second = ([np.zeros_like(weight) for weight in weights] for _ in range(2))
    for step in range(1, steps + 1):
        some = chance.integers(0, len(scaled), 512)
        seen = scaled[some] + chance.normal(0, 0.05, (512, BANDS))
        inner = np.tanh(seen @ weights[0].T + weights[1])
        scores = inner @ weights[2].T + weights[3]
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        error = (likely / likely.sum(axis=1, keepdims=True) - targets[some]) * weigh[some][:, None] / 512
        back = error @ weights[2] * (1 - inner**2)
        slopes = [back.T @ seen + 1e-4 * weights[0], back.sum(axis=0)]
        slopes += [error.T @ inner + 1e-4 * weights[2], error.sum(axis=0)]
        pace = 3e-3 * min(1.0, 2 * (1 - step / steps) + 0.02)
        for n, slope in enumerate(slopes):
            first[n] = 0.9 * first[n] + 0.1 * slope
            second[n] = 0.999 * second[n] + 0.001 * slope**2
            moved = first[n] / (1 - 0.9**step) / (np.sqrt(second[n] / (1 - 0.999**step)) + 1e-8)
            weights[n] = weights[n] - pace * moved
    outer = weights[0] / spread
    return {"hidden_w": outer, "hidden_b": weights[1] - outer @ mean, "out_w": weights[2], "out_b": weights[3]}


def main() -> None:
    chance = np.random.default_rng(1)
    sounds = [formant(chance, vowel) for vowel in VOWELS for _ in range(1500)]
    sounds += [*espeak(LEARNT), *(list(hibari(held_out=False)) * 3)]
    rates = {sound.rate: Vowels(sound.rate) for sound in sounds}
    pairs = [
        (vowels.bands(moment), VOWELS.index(sound.vowel))
        for sound in sounds
        for vowels in [rates[sound.rate]]
        for moment in sound.moments(vowels.size, 1 if sound.voice == "formant" else 5)
    ]
    inputs, wanted = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    learnt = {name: np.round(weight, 3).tolist() for name, weight in learn(inputs, wanted).items()}
    print(json.dumps(learnt))


if __name__ == "__main__":
    main()

"""Noises that are no speech, made of random numbers: (n,) float32 mono at 16 kHz, about -30 dBFS, louder in bursts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
RATE = 16_000


def noises(seconds: float, seed: int = 1) -> dict[str, F32]:
    """By name: white, pink, wind, keys, coughs, music, beeps."""
    chance = np.random.default_rng(seed)
    count = int(seconds * RATE)
    pink = _coloured(chance, count, 0.5)
    wind = _coloured(chance, count, 1.0) * (1.0 + 0.9 * np.sin(2 * np.pi * 0.3 * np.arange(count) / RATE))
    found = {
        "white": chance.standard_normal(count) * 0.03,
        "pink": pink * 0.03,
        "wind": wind * 0.04,
        "keys": _bursts(chance, count, every_s=0.18, long_s=0.008) * 0.3,
        "coughs": _bursts(chance, count, every_s=3.0, long_s=0.25) * 0.25,
        "music": _music(chance, count) * 0.05,
        "beeps": _beeps(count) * 0.1,
    }
    return {name: np.clip(sound, -1, 1).astype(np.float32) for name, sound in found.items()}


def _coloured(chance: np.random.Generator, count: int, power: float) -> NDArray[np.float64]:
    """Noise whose amplitude falls with frequency ** power, RMS 1."""
    spectrum = np.fft.rfft(chance.standard_normal(count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 20.0 * count / RATE) ** power
    sound = np.fft.irfft(spectrum, count)
    return sound / np.sqrt(np.mean(sound**2))


def _bursts(chance: np.random.Generator, count: int, *, every_s: float, long_s: float) -> NDArray[np.float64]:
    """Bursts of noise that die away."""
    sound, length, at = np.zeros(count), int(long_s * RATE), 0
    envelope = np.exp(-4 * np.arange(length) / length)
    while (at := at + int(every_s * RATE * chance.uniform(0.5, 1.5))) + length < count:
        sound[at : at + length] += envelope * _coloured(chance, length, 0.3) / 3
    return sound


def _music(chance: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Three plucked notes at a time, each with six overtones, and a beat."""
    sound, length = np.zeros(count), RATE // 2
    t = np.arange(length) / RATE
    for at in range(0, count - length, length // 2):
        for note in chance.choice([0, 2, 4, 5, 7, 9, 11, 12], 3, replace=False):
            pitch = 220.0 * 2 ** (note / 12)
            for overtone in range(1, 7):
                sound[at : at + length] += np.sin(2 * np.pi * pitch * overtone * t) * np.exp(-5 * t) / overtone
        sound[at : at + 800] += chance.standard_normal(800) * np.exp(-np.arange(800) / 100)
    return sound / np.sqrt(np.mean(sound**2))


def _beeps(count: int) -> NDArray[np.float64]:
    at = np.arange(count) / RATE
    return np.sin(2 * np.pi * 1000 * at) * ((at % 1.0) < 0.3)

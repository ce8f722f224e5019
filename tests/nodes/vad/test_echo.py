"""The avatar's own voice in the microphone is no speech; the user's is, also when both are heard."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vaidol.nodes.vad._echo import RATE, EchoGuard

STEP = 320


def babble(seed: int, seconds: float = 2.0) -> NDArray[np.float32]:
    """Something with a pitch that glides and formants that change: as alike as two voices are."""
    chance = np.random.default_rng(seed)
    count = int(seconds * RATE)
    pitch = np.interp(np.arange(count), np.linspace(0, count, 12), chance.uniform(100, 220, 12))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = np.zeros(count)
    for overtone in range(1, 20):
        weight = np.interp(np.arange(count), np.linspace(0, count, 20), chance.uniform(0, 1, 20))
        sound += weight * np.sin(overtone * phase + chance.uniform(0, 6)) / overtone
    sound += chance.standard_normal(count) * 0.05
    return (sound / np.abs(sound).max() * 0.5).astype(np.float32)


def shares(played: NDArray[np.float32], heard: NDArray[np.float32]) -> list[float]:
    """The greatest share at each step of 20 ms; what is played comes first, as in a call."""
    guard, found = EchoGuard(), []
    for at in range(0, len(heard), STEP):
        if at < len(played):
            guard.play(played[at : at + STEP])
        guard.hear(heard[at : at + STEP], at + STEP)
        found.append(float(guard.shares().max()) if guard.playing else 0.0)
    return found


def delayed(sound: NDArray[np.float32], ms: int, db: float) -> NDArray[np.float32]:
    return np.concatenate([np.zeros(ms * 16, np.float32), sound * np.float32(10 ** (db / 20))])[: len(sound)]


@pytest.mark.parametrize("ms", [40, 150, 333, 480])
@pytest.mark.parametrize("db", [-30, -20, 0])
def test_a_delayed_copy_is_found(ms: int, db: float) -> None:
    voice = babble(1)
    found = shares(voice, delayed(voice, ms, db))
    assert np.median(found[(ms + 150) // 20 :]) > 0.95


def test_an_echo_in_noise_and_through_a_room_is_found() -> None:
    voice = babble(1)
    chance = np.random.default_rng(2)
    room = chance.standard_normal(1600) * np.exp(-np.arange(1600) / 150) * 0.1
    room[0] = 1.0
    echo = np.convolve(delayed(voice, 120, -20), room)[: len(voice)].astype(np.float32)
    noisy = echo + chance.standard_normal(len(echo)).astype(np.float32) * 0.001
    assert np.median(shares(voice, noisy)[20:]) > 0.35


def test_another_voice_is_none_and_is_heard_over_the_echo() -> None:
    voice, user = babble(1), babble(7)
    assert max(shares(voice, user)) < 0.35
    both = user + delayed(voice, 150, -20)
    assert np.median(shares(voice, both)[15:]) < 0.3


def test_the_echo_outlasts_what_is_played_but_not_by_much() -> None:
    voice = babble(1, 1.0)
    heard = np.concatenate([delayed(voice, 300, -20), delayed(voice, 0, -20)[-300 * 16 :], np.zeros(RATE, np.float32)])
    guard = EchoGuard()
    for at in range(0, len(heard), STEP):
        if at < len(voice):
            guard.play(voice[at : at + STEP])
        guard.hear(heard[at : at + STEP], at + STEP)
    assert not guard.playing
    assert not guard.echoes(0.1)


def test_silence_and_bad_samples_are_no_echo() -> None:
    guard = EchoGuard()
    guard.hear(np.full(STEP, np.nan, np.float32), STEP)
    assert not guard.echoes(0.1)
    guard.play(np.zeros(STEP, np.float32))
    assert not guard.echoes(0.1)


def test_at_a_known_delay_an_echo_is_found_in_more_noise() -> None:
    voice, chance = babble(1), np.random.default_rng(3)
    echo = delayed(voice, 150, -20)
    echo[RATE:] += chance.standard_normal(len(echo) - RATE).astype(np.float32) * 0.006
    guard, found, plain = EchoGuard(), [], []
    for at in range(0, len(echo), STEP):
        guard.play(voice[at : at + STEP])
        guard.hear(echo[at : at + STEP], at + STEP)
        plain.append(guard.shares().max() >= 0.35)
        found.append(guard.echoes(0.35))
    assert sum(found[60:]) > 1.5 * sum(plain[60:])

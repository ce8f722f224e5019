"""What each member of a room hears: all others and every character, never themselves, at once and without clipping."""

from __future__ import annotations

import asyncio
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import F32
from vaidol.server.groups.limiter import Limiter
from vaidol.server.groups.mix import Mix, Place
from vaidol.server.groups.strand import Strand

RATE, STEP = 48_000, 960


def tone(hz: float, level: float, begin: int = 0, length: int = STEP) -> F32:
    at = np.arange(begin, begin + length)
    return (level * np.sin(2 * np.pi * hz * at / RATE)).astype(np.float32)


def strength(sound: NDArray[np.float64], hz: float) -> float:
    turned = sound * np.exp(-2j * np.pi * hz * np.arange(len(sound)) / RATE) * np.hanning(len(sound))
    return float(np.abs(turned.sum()) * 4 / len(sound))


class Member:
    """Hears, hums with their microphone at `hz`, and has a character that hums at `voice` Hz."""

    def __init__(self, mix: Mix, hz: float, voice: float) -> None:
        self.place: Place = mix.place(self.take, self.others.append)
        self.hz, self.voice = hz, voice
        self.heard: list[NDArray[np.int16]] = []
        self.pts: list[int] = []

    @property
    def others(self) -> list[F32]:
        self.__dict__.setdefault("_others", [])
        found: list[F32] = self.__dict__["_others"]
        return found

    def take(self, samples: NDArray[np.int16], pts: int) -> None:
        self.heard.append(samples)
        self.pts.append(pts)

    def tick(self, number: int, *, hums: bool = True, speaks: bool = True, level: float = 0.2) -> None:
        if hums:
            self.place.speak(tone(self.hz, level, number * STEP))
        sound = tone(self.voice, level, number * STEP) if speaks else np.zeros(STEP, np.float32)
        self.place.play((sound * 32767).astype(np.int16), 7000 + number * STEP)

    def sound(self) -> NDArray[np.float64]:
        return np.concatenate(self.heard) / 32768


async def after_tick() -> None:
    await asyncio.sleep(0.02)


def test_everybody_hears_all_but_themselves() -> None:
    async def main() -> list[Member]:
        mix = Mix()
        members = [Member(mix, 300 + 100 * n, 1300 + 100 * n) for n in range(3)]
        for number in range(50):
            for member in members:
                member.tick(number)
            await after_tick()
        return members

    members = run_virtual(main())
    for member in members:
        sound = member.sound()
        for other in members:
            assert abs(strength(sound, other.voice) - 0.2) < 0.01
            assert abs(strength(sound, other.hz) - (0.0 if other is member else 0.2)) < 0.01
        assert member.pts == [7000 + number * STEP for number in range(50)]
        rest = np.concatenate(member.others).astype(np.float64)
        assert strength(rest, member.voice) < 0.001
        assert strength(rest, member.hz) < 0.001


def test_what_a_character_says_is_heard_in_the_same_tick_and_its_end_too() -> None:
    async def main() -> None:
        mix = Mix()
        one, two, three = (Member(mix, 300, 1000) for _ in range(3))
        for number in range(4):
            for member in (three, one, two):
                member.tick(number, hums=False, speaks=member is one and number == 1)
            await asyncio.sleep(0)
            loud = [bool(member.heard[number].any()) for member in (one, two, three)]
            assert loud == [number == 1] * 3  # nothing of it waits anywhere
            await after_tick()

    run_virtual(main())


def test_who_is_alone_hears_exactly_what_their_character_says() -> None:
    async def main() -> None:
        mix = Mix()
        one, two = Member(mix, 300, 1000), Member(mix, 400, 1100)
        said = (np.random.default_rng(1).uniform(-1, 1, STEP) * 32767).astype(np.int16)
        one.place.speak(tone(300, 0.5))
        one.place.play(said, 0)
        two.place.leave()
        await after_tick()
        assert (one.heard[0] == said).all()
        assert two.heard == []
        assert one.others == []

    run_virtual(main())


def test_eight_loud_voices_do_not_clip_and_are_as_loud_as_before_when_they_are_gone() -> None:
    async def main() -> Member:
        mix = Mix()
        listener, *loud = (Member(mix, 300 + 17 * n, 1000 + 31 * n) for n in range(9))
        for number in range(100):
            for member in (listener, *loud):
                member.tick(number, hums=False, speaks=member is loud[0] or number < 50, level=0.7)
            await after_tick()
        return listener

    listener = run_virtual(main())
    sound = listener.sound()
    assert np.abs(sound).max() <= 1.0
    assert np.abs(sound[STEP:]).max() < 0.95  # bent at most in the 2.5 ms in which all began at once, never cut off
    assert np.median([np.abs(packet).max() for packet in sound[: 50 * STEP].reshape(-1, STEP)]) > 0.8
    assert abs(np.abs(sound[-5 * STEP :]).max() - 0.7) < 0.02


@given(st.lists(st.floats(0, 12, width=32), min_size=1, max_size=40), st.integers(0, 2**31))
def test_nothing_leaves_the_limiter_too_loud_and_quiet_sound_leaves_unchanged(levels: list[float], seed: int) -> None:
    limit, rng = Limiter(), np.random.default_rng(seed)
    for level in levels:
        samples = (level * rng.uniform(-1, 1, STEP)).astype(np.float32)
        before = limit.rests
        out = limit(samples)
        assert np.abs(out).max() <= 1.0
        if before and np.abs(samples).max() <= 0.89:
            assert out is samples


def stream(
    strand: Strand, seconds: float, *, drift: float = 0.0, jitter_s: float = 0.0, seed: int = 0
) -> dict[str, float]:
    """A microphone whose clock is off by `drift` and whose packets come up to `jitter_s` late; what its strand does."""
    random, depths, number, deepest = Random(seed), [], 0, 0.0
    come = sorted(at * 0.02 * (1 + drift) + random.uniform(0, jitter_s) for at in range(int(seconds / 0.02)))
    for tick in range(int(seconds / 0.02)):
        while number < len(come) and come[number] <= tick * 0.02 + 0.007:
            strand.push(tone(200, 0.3, number * STEP))
            number += 1
        deepest = max(deepest, strand.depth_ms)
        strand.pull()
        depths.append(strand.depth_ms)
    return {"deepest": deepest, "usual": float(np.median(depths)), "holes": strand.holes}


def test_clocks_that_differ_are_bridged_and_the_delay_does_not_grow() -> None:
    for drift in (-300e-6, 300e-6):
        told = stream(Strand(), 200, drift=drift)
        assert told["deepest"] <= 80
        assert told["usual"] <= 20
        assert told["holes"] <= 200 * 300e-6 / 0.02 + 2  # a hole per packet that the slower clock owes


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 0.3), st.integers(0, 1000))
def test_what_waits_is_bounded_whatever_the_network_does(jitter_s: float, seed: int) -> None:
    told = stream(Strand(), 20, jitter_s=jitter_s, seed=seed)
    assert told["deepest"] <= 80


def test_a_packet_that_is_missing_fades_and_what_follows_comes_in_softly() -> None:
    strand = Strand()
    strand.push(tone(200, 0.5))
    out = [strand.pull() for _ in range(3)]
    assert out[0] is not None
    assert out[1] is not None
    assert np.abs(out[1][-5:]).max() < 0.01  # faded out
    assert out[2] is None
    strand.push(np.full(STEP, 0.5, np.float32))
    again = strand.pull()
    assert again is not None
    assert again[0] == 0.0
    assert again[200] == 0.5

"""The receive buffer on virtual time: losses, disorder and stalls as data."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaidol.graph.clock import Clock, run_virtual
from vaidol.graph.frames import F32
from vaidol.server.jitter import CAPACITY, HOLE_S, QUIET_END_S, STEP, Counts, JitterBuffer, faded

PTIME = 0.020  # s


@dataclass
class Came:
    """A packet as the network delivers it: `number` counts 20 ms packets of the sender; when, s."""

    number: int
    at: float
    source: int = 1
    payload: bytes | None = None


@dataclass
class Heard:
    """What came out: each piece with its time."""

    pieces: list[tuple[float, F32]] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    @property
    def samples(self) -> int:
        return sum(len(piece) for _, piece in self.pieces)

    def numbers(self) -> list[int]:
        """Packets that sounded, by the level that `decode` gave them; 0 where sound was made up."""
        return [round(float(piece[-1]) * 1000) for _, piece in self.pieces]

    def delays(self, came: Iterable[Came]) -> dict[int, float]:
        when = {number: at for (at, _), number in zip(self.pieces, self.numbers(), strict=True) if number}
        return {packet.number: when[packet.number] - packet.at for packet in came if packet.number in when}


def decode(payload: bytes) -> F32 | None:
    """A packet holds its own number; it sounds as that level."""
    if payload == b"broken":
        return None
    return np.full(STEP, int(payload.partition(b".")[0]) / 1000, np.float32)


def receive(came: list[Came], *, first: int = 0, origin: int = 0, wait_s: float = 0.2, ppm: float = 0.0) -> Heard:
    """Feed the buffer; numbers start at `first` and timestamps at `origin` on the wire."""
    heard = Heard()

    async def main() -> None:
        clock = Clock(asyncio.get_running_loop())
        buffer = JitterBuffer(clock, decode, lambda sound: heard.pieces.append((clock.s(), sound.copy())))
        for packet in sorted(came, key=lambda one: one.at):
            await clock.sleep(max(0.0, packet.at * (1 + ppm * 1e-6) - clock.s()))
            payload = packet.payload or f"{packet.number:05d}".encode()
            number, timestamp = (first + packet.number) % 2**16, (origin + packet.number * STEP) % 2**32
            buffer.add(packet.source, number, timestamp, payload)
        await clock.sleep(wait_s)
        buffer.close()
        heard.counts = buffer.counts
        given = len(heard.pieces)
        buffer.add(1, 5, 5, b"1")
        await clock.sleep(1)
        assert len(heard.pieces) == given

    run_virtual(main())
    return heard


def steady(arrived: list[bool], *, begin: int = 1) -> list[Came]:
    """One packet each 20 ms where `arrived`."""
    return [Came(begin + n, (begin + n) * PTIME) for n, here in enumerate(arrived) if here]


@pytest.mark.parametrize(("first", "origin"), [(0, 0), (65_500, 2**32 - 30 * STEP), (32_700, 2**31 - 5 * STEP)])
def test_in_order_nothing_is_held_back_whatever_wraps(first: int, origin: int) -> None:
    came = steady([True] * 200)
    heard = receive(came, first=first, origin=origin)
    assert heard.numbers() == list(range(1, 201))
    assert max(heard.delays(came).values()) == 0
    assert heard.counts == Counts(received=200)


@pytest.mark.parametrize("lost", [[50], [50, 51], [50, 52], [50, 51, 52, 53], [3], list(range(60, 90))])
def test_a_hole_costs_40_ms_once_and_no_sample(lost: list[int]) -> None:
    came = steady([n + 1 not in lost for n in range(200)])
    heard = receive(came)
    delays = heard.delays(came)
    assert heard.samples == 200 * STEP
    assert heard.counts.lost == len(lost)
    assert max(delays.values()) <= HOLE_S + 1e-6
    assert max(delays[n] for n in delays if n > max(lost) + 3) == 0
    assert max(abs(np.diff(np.concatenate([piece for _, piece in heard.pieces])))) < 0.02  # no click


@given(st.lists(st.booleans(), min_size=5, max_size=80), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_any_loss_leaves_no_hole_no_disorder_and_no_delay(arrived: list[bool], first: int, origin: int) -> None:
    arrived = [True, *(here or n % 10 == 0 for n, here in enumerate(arrived)), True]
    came = steady(arrived)
    heard = receive(came, first=first, origin=origin)
    sounded = [number for number in heard.numbers() if number]
    assert sounded == [packet.number for packet in came]
    assert heard.samples == len(arrived) * STEP
    assert heard.counts.lost == arrived.count(False)
    assert max(heard.delays(came).values()) <= HOLE_S + 1e-6


@given(st.lists(st.floats(0, 0.035), min_size=20, max_size=80))
@settings(max_examples=30, deadline=None)
def test_disorder_within_the_wait_is_put_right(delays: list[float]) -> None:
    came = [Came(n + 1, (n + 1) * PTIME + delay) for n, delay in enumerate(delays)]
    heard = receive(came)
    first = heard.numbers()[0]
    assert heard.numbers() == list(range(first, len(delays) + 1))
    assert heard.counts.late == sum(packet.number < first for packet in came)


def test_late_packets_and_copies_are_counted_and_left_out() -> None:
    came = [*steady([True] * 100), Came(40, 0.90), Came(40, 0.801)]
    came = [packet for packet in came if packet.number not in (20, 21)]
    came += [Came(20, 0.70), Came(21, 0.44), Came(21, 0.445)]
    heard = receive(came)
    assert heard.counts == Counts(received=103, lost=1, late=1, duplicates=3, filled=STEP)
    assert heard.samples == 100 * STEP


def test_a_new_stream_is_followed_at_once() -> None:
    came = steady([True] * 50) + [Came(n, n * PTIME, source=2) for n in range(51, 101)]
    heard = receive(came)
    assert heard.numbers() == list(range(1, 101))
    assert heard.counts.restarts == 1
    jump = steady([True] * 50) + [Came(n + 20_000, n * PTIME) for n in range(51, 101)]
    heard = receive(jump)
    assert heard.samples == 100 * STEP
    assert heard.counts.restarts == 1


def test_broken_packets_leave_20_ms_of_fading_sound() -> None:
    came = [*steady([n != 49 for n in range(100)]), Came(50, 1.0, payload=b"broken")]
    heard = receive(came)
    assert heard.samples == 100 * STEP
    assert heard.counts.broken == 1


def test_a_stall_of_the_network_loses_nothing_and_leaves_no_delay() -> None:
    came = [Came(n, max(n * PTIME, 1.3) if n >= 50 else n * PTIME) for n in range(1, 200)]
    heard = receive(came)
    assert heard.numbers() == list(range(1, 200))
    assert max(heard.delays(came).values()) == 0


def test_a_freeze_sounds_as_silence_and_ends_at_once() -> None:
    came = [Came(n, max(n * PTIME, 11.0) if 50 <= n < 550 else n * PTIME) for n in range(1, 700)]
    heard = receive(came)
    silent = [at for (at, piece) in heard.pieces if not piece[-1]]
    assert 1.3 < silent[0] < 1.5  # so that a turn can end
    assert silent[-1] < 1.0 + QUIET_END_S + 0.1
    assert np.allclose(np.diff(silent), PTIME)
    assert [n for n in heard.numbers() if n] == list(range(1, 700))
    assert max(heard.delays(came).values()) == 0


def test_a_freeze_in_which_all_was_lost_ends_at_once() -> None:
    came = steady([True] * 50) + [Came(n, n * PTIME) for n in range(550, 700)]
    heard = receive(came)
    assert heard.counts.lost == 499
    delays = heard.delays(came)
    assert max(delay for number, delay in delays.items() if number > 553) == 0


def test_a_sender_that_slept_goes_on_where_it_was() -> None:
    came = [Came(n, n * PTIME if n <= 50 else n * PTIME + 10) for n in range(1, 200)]
    heard = receive(came)
    assert [n for n in heard.numbers() if n] == list(range(1, 200))


def test_a_speaker_who_saves_packets_in_silence_is_heard_as_silence() -> None:
    silence = [Came(n, n * PTIME, payload=b"0.") for n in (51, 71, 91)]  # every 400 ms, two bytes (DTX)

    async def main() -> None:
        clock = Clock(asyncio.get_running_loop())
        buffer = JitterBuffer(clock, decode, lambda sound: pieces.append((clock.s(), len(sound))))
        came = [*steady([True] * 50), *silence, *[Came(n, n * PTIME) for n in range(111, 151)]]
        for number, packet in enumerate(came):
            await clock.sleep(max(0.0, packet.at - clock.s()))
            buffer.add(1, number, packet.number * STEP, packet.payload or f"{packet.number:05d}".encode())
        assert buffer.counts.lost == 0
        buffer.close()

    pieces: list[tuple[float, int]] = []
    run_virtual(main())
    assert sum(length for _, length in pieces) == pytest.approx(150 * STEP, abs=4 * STEP)
    assert max(np.diff([at for at, _ in pieces])) < 0.07


@pytest.mark.parametrize("ppm", [-300.0, 300.0])
def test_a_drifting_clock_changes_nothing(ppm: float) -> None:
    came = steady([n % 97 != 96 for n in range(900)])
    heard = receive(came, ppm=ppm)
    assert heard.samples == 900 * STEP


def test_what_waits_is_bounded() -> None:
    came = [Came(1, 0.02), *[Came(n, 0.05) for n in range(3, 3 + 2 * CAPACITY)]]
    heard = receive(came, wait_s=0.001)
    assert [n for n in heard.numbers() if n] == [1, *range(3, 3 + 2 * CAPACITY)]


def test_made_up_sound_goes_on_from_what_was_heard_and_fades() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(STEP) / 48_000).astype(np.float32)
    made = faded(tone, STEP)
    assert abs(made[0] - tone[-1]) < 0.1
    assert made[-1] == 0
    assert np.abs(np.diff(made)).max() < 0.13


def test_random_networks_never_stop_the_sound() -> None:
    rng = random.Random(4)
    for _ in range(20):
        came = [
            Came(
                n, n * PTIME + rng.choice((0, 0, 0, rng.uniform(0, 0.05))), payload=rng.choice((None, None, b"broken"))
            )
            for n in range(1, 400)
            if rng.random() > 0.1
        ]
        came += rng.sample(came, 20)
        heard = receive(came)
        assert heard.samples / STEP == pytest.approx(max(p.number for p in came) - min(p.number for p in came), abs=6)

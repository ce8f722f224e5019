"""Half an hour with a sender whose clock is off: receive buffer, graph and live echo, on virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest

from tests.graphs import running
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import Clock, run_virtual
from vaidol.graph.frames import F32
from vaidol.server.jitter import STEP, JitterBuffer

PTIME = 0.020  # s
MINUTES = 30
LOST_EVERY = 997  # packets
EDGES = ["mic.audio -> out.audio", "out.spoken -> page.spoken"]
NODES = {"mic": "webrtc.in", "out": ("webrtc.out", {"live": True}), "page": "webrtc.data"}
RING = 400  # packets; their levels tell them apart, and a delay of up to half of that can be told


def level(number: int) -> float:
    return (1 + number % RING) / (2 * RING)


def decode(payload: bytes) -> F32:
    return np.full(STEP, level(int(payload)), np.float32)


@dataclass
class Echo:
    """What came back: of each 20 ms that left, how long ago it was spoken (s; None: silence)."""

    delays: list[float | None] = field(default_factory=list)
    pts: list[int] = field(default_factory=list)
    in_samples: int = 0


def echoed(ppm: float, minutes: float = MINUTES) -> Echo:
    """An echo call with somebody whose clock is fast by `ppm`; a packet now and then is lost."""
    echo, call = Echo(), CallDouble()

    async def main() -> None:
        clock = Clock(asyncio.get_running_loop())
        spoken: list[float] = []  # when each packet of the ring was spoken last

        def play(samples: np.ndarray, pts: int) -> None:
            echo.pts.append(pts)
            number = round(float(samples[-1]) / 32767 * 2 * RING) - 1
            there = number >= 0 and number < len(spoken)
            echo.delays.append(clock.s() - spoken[number] if there else None)

        def give(samples: F32) -> None:
            echo.in_samples += len(samples)
            call.audio(samples, 48_000)

        call.play = play  # type: ignore[method-assign]
        async with running(NODES, EDGES, ends={"call": call}):
            buffer, began = JitterBuffer(clock, decode, give), clock.s() + 0.0137
            for number in range(int(minutes * 60 / PTIME)):
                await clock.sleep(began + number * PTIME / (1 + ppm * 1e-6) - clock.s())
                spoken[number % RING : number % RING + 1] = [clock.s()]
                if number % LOST_EVERY != LOST_EVERY - 1:
                    buffer.add(1, number % 2**16, number * STEP % 2**32, b"%d" % number)
            buffer.close()

    run_virtual(main())
    return echo


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_no_delay_and_no_hole_grows_in_half_an_hour(ppm: float) -> None:
    echo = echoed(ppm)
    assert echo.in_samples == pytest.approx(MINUTES * 60 / PTIME * STEP, abs=3 * STEP)  # the graph's input has no hole
    assert set(np.diff(echo.pts)) == {STEP}  # nor has the output's cursor
    minute = round(60 / PTIME)
    delays = [[d for d in echo.delays[at : at + minute] if d is not None] for at in range(0, len(echo.delays), minute)]
    silent = [echo.delays[at : at + minute].count(None) for at in range(minute, len(echo.delays) - minute, minute)]
    for each in delays:
        assert max(each) < 0.1
    assert np.median(delays[-2]) < np.median(delays[1]) + 0.02
    assert max(silent) <= 16  # of 3000: 3 were lost, each leaves 4 without sound; and a slow clock has less to give
    assert np.mean(silent[-5:]) <= np.mean(silent[:5]) + 1

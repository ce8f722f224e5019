"""Sound at the border to aiortc."""

from __future__ import annotations

import asyncio

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from vaidol.server.sound import QUEUE, STEP, OutTrack, mono

SILENCE = np.zeros(STEP, np.int16)


def track(**given: object) -> OutTrack:
    return OutTrack(lambda _: 1000, lambda origin: None)


def test_stereo_is_mixed_to_one() -> None:
    samples = np.tile(np.array([[16384, 0]], np.int16), (960, 1)).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
    mixed = mono(frame)
    assert mixed.shape == (960,)
    assert mixed.dtype == np.float32
    assert np.allclose(mixed, 0.25)


def test_packets_carry_the_given_time_and_decode_to_what_went_in() -> None:
    async def main() -> None:
        out = track()
        tone = (np.sin(2 * np.pi * 440 * np.arange(STEP * 20) / 48_000) * 16384).astype(np.int16)
        decoder = av.AudioCodecContext.create("libopus", "r")
        heard = []
        for n in range(20):
            pts = n * STEP + (96_000 if n >= 10 else 0)  # a jump, as after a stall
            out.push(tone[n * STEP : (n + 1) * STEP], pts)
            packet = await out.recv()
            assert packet.pts == pts
            heard += [frame.to_ndarray() for frame in decoder.decode(packet)]
        level = np.sqrt(np.mean(np.concatenate(heard, axis=1)[:, 4800:].astype(np.float64) ** 2))
        assert level / 32768 == pytest.approx(0.5 / np.sqrt(2), rel=0.2)

    asyncio.run(main())


def test_the_oldest_packets_are_dropped_when_nobody_takes_them() -> None:
    async def main() -> None:
        out = track()
        for n in range(QUEUE + 3):
            out.push(SILENCE, n * STEP)
        assert out.dropped == 3
        assert (await out.recv()).pts == 3 * STEP

    asyncio.run(main())


def test_the_origin_is_told_once_at_the_second_packet() -> None:
    async def main() -> None:
        told: list[int] = []
        out = OutTrack(lambda _: 500, told.append)
        for n in range(4):
            out.push(SILENCE, 480_000 + n * STEP)
            await out.recv()
            assert len(told) == min(n, 1)
        assert told == [(500 - 480_000) % 2**32]

    asyncio.run(main())


def test_a_stopped_track_lets_go() -> None:
    async def main() -> None:
        out = track()
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(_ends(out))
            await asyncio.sleep(0)
            out.stop()
            await waiting

    asyncio.run(main())


async def _ends(out: OutTrack) -> None:
    with pytest.raises(MediaStreamError):
        await out.recv()

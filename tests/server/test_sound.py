"""Sound at the border to aiortc."""

from __future__ import annotations

import asyncio

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vaidol.server.sound import QUEUE, SETTLED, STEP, OpusDecoder, OpusEncoder, OutTrack

SILENCE = np.zeros(STEP, np.int16)


def track(**given: object) -> OutTrack:
    return OutTrack(lambda _: 1000, lambda origin: None)


def test_stereo_is_mixed_to_one() -> None:
    encoder = av.AudioCodecContext.create("libopus", "w")
    encoder.format, encoder.layout, encoder.sample_rate, encoder.bit_rate = "s16", "stereo", 48_000, 96_000
    decode = OpusDecoder()
    wave = (np.sin(2 * np.pi * 440 * np.arange(STEP) / 48_000) * 16384).astype(np.int16)
    both = np.stack([wave, np.zeros_like(wave)], axis=1).reshape(1, -1)
    for _ in range(5):
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate = 48_000
        for packet in encoder.encode(frame):
            mixed = decode(bytes(packet))
    assert mixed is not None
    assert mixed.shape == (960,)
    assert mixed.dtype == np.float32
    assert np.sqrt(np.mean(mixed**2)) == pytest.approx(0.25 / np.sqrt(2), rel=0.2)


def test_what_is_no_opus_is_told_apart_and_the_next_packet_sounds() -> None:
    decode, encode = OpusDecoder(), OpusEncoder()
    for bad in (b"", b"\xff", b"\xff\xff\xff", b"\x03" * 3):
        assert decode(bad) is None
    good = decode(encode(np.full(STEP, 1000, np.int16)))
    assert good is not None
    assert len(good) == STEP


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_do_not(payload: bytes) -> None:
    sound = OpusDecoder()(payload)
    assert sound is None or (sound.dtype == np.float32 and sound.ndim == 1 and bool(np.all(np.abs(sound) <= 1)))


def test_silence_is_one_packet_and_sound_follows_it_cleanly() -> None:
    encode, decode = OpusEncoder(), OpusDecoder()
    tone = (np.sin(2 * np.pi * 440 * np.arange(STEP * 10) / 48_000) * 16384).astype(np.int16).reshape(10, STEP)
    packets = [encode(SILENCE) for _ in range(50)]
    assert len(set(packets[SETTLED - 1 :])) == 1
    assert len(packets[-1]) < 10
    first = [encode(samples) for samples in tone]
    silent = [encode(SILENCE) for _ in range(20)]
    heard = [decode(packet) for packet in packets + first + silent]
    level = [0.0 if samples is None else float(np.sqrt(np.mean(samples**2))) for samples in heard]
    assert max(level[:50]) < 1e-4
    assert level[55] == pytest.approx(0.5 / np.sqrt(2), rel=0.1)
    assert max(level[-17:]) < 1e-3


def test_after_a_sound_with_an_offset_silence_is_silent() -> None:
    """The encoder takes a while to forget an offset; a packet kept too soon would hum for as long as nobody speaks."""
    encode, decode = OpusEncoder(), OpusDecoder()
    rumble = (3000 + 1500 * np.sin(np.arange(STEP) * 2 * np.pi / STEP)).astype(np.int16)
    for _ in range(50):
        decode(encode(rumble))
    silence = [decode(encode(np.zeros(STEP, np.int16))) for _ in range(3 * SETTLED)]
    last = [sound for sound in silence[SETTLED:] if sound is not None]
    assert max(float(np.abs(sound).max()) for sound in last) < 1e-3


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


def test_packets_carry_repairs_from_a_loss_on_until_a_silence() -> None:
    """The mode is in a packet's first byte (RFC 6716, 3.1): below 16 it has the speech half, which makes the copies."""

    async def main() -> None:
        out = track()
        tone = (np.sin(2 * np.pi * 440 * np.arange(STEP) / 48_000) * 16384).astype(np.int16)

        async def mode(samples: NDArray[np.int16]) -> int:
            out.push(samples, 0)
            return bytes(await out.recv())[0] >> 3

        assert await mode(tone) >= 16
        out.lossy(True)
        assert await mode(tone) < 16
        out.lossy(False)
        assert await mode(tone) < 16
        assert await mode(SILENCE) >= 16
        assert await mode(tone) >= 16

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

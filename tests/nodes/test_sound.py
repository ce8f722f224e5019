"""Encoded sound in pieces of any size: the same sound comes out, early, and nonsense is told."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from tests.nodes.encoded import ogg_opus
from tests.nodes.tts.edge_server import mp3
from vaidol.graph.frames import F32
from vaidol.nodes._sound import SoundDecoder, pcm16, wav

RATE = 24_000
TONE: F32 = (0.5 * np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE)).astype(np.float32)
ENCODED = {
    "wav": wav(TONE, RATE),
    "endless wav": wav(TONE, RATE)[:40] + b"\xff\xff\xff\xff" + pcm16(TONE),
    "float wav": b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 3, 1, RATE, RATE * 4, 4, 32)
    + b"LIST" + struct.pack("<I", 4) + b"odd!data\0\0\0\0" + TONE.tobytes(),
    "stereo wav": b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, RATE, RATE * 4, 4, 16)
    + b"data\0\0\0\0" + np.repeat((TONE * 32767).astype("<i2"), 2).tobytes(),
    "pcm": pcm16(TONE),
    "mp3": mp3(TONE),
    "opus": ogg_opus(TONE, RATE),
}  # fmt: skip


def decoded(data: bytes, size: int, rate: int = RATE, raw: int = 0) -> F32:
    decoder = SoundDecoder(rate, raw=raw)
    parts = [decoder.feed(data[at : at + size]) for at in range(0, len(data), size)]
    return np.concatenate([*parts, decoder.feed(b"", last=True)])


def hz(samples: F32, rate: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))))) * rate / len(samples)


@pytest.mark.parametrize("name", ENCODED)
def test_sound_in_any_pieces_is_the_same_sound(name: str) -> None:
    raw = RATE if name == "pcm" else 0
    whole = decoded(ENCODED[name], 1 << 20, raw=raw)
    assert len(whole) == pytest.approx(RATE, rel=0.1)
    assert hz(whole, RATE) == pytest.approx(440, abs=3)
    assert 0.4 < np.abs(whole[2000:-2000]).max() < 0.6
    for size in (5, 500):
        assert np.array_equal(decoded(ENCODED[name], size, raw=raw), whole)


@pytest.mark.parametrize("name", ENCODED)
def test_it_comes_at_the_rate_asked_for_and_before_all_is_there(name: str) -> None:
    decoder = SoundDecoder(16_000, raw=RATE if name == "pcm" else 0)
    data = ENCODED[name]
    first = decoder.feed(data[: len(data) // 2])
    assert len(first) > 16_000 // 4
    whole = np.concatenate([first, decoder.feed(data[len(data) // 2 :]), decoder.feed(b"", last=True)])
    assert len(whole) == pytest.approx(16_000, rel=0.1)
    assert hz(whole, 16_000) == pytest.approx(440, abs=3)
    assert decoder.heard


@pytest.mark.parametrize(
    "data",
    [
        b"<html>Welcome to the router</html>",
        b'{"error": "no"}',
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0" + bytes(100),
        b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 24_000, 72_000, 3, 24) + b"data\0\0\0\0",
        b"RIFF\0\0\0\0WAVE" + b"junk\x01\0\0\0" * 2000,
        b"OggS" + bytes(22) + b"\x01\x08notopus!",
        b"OggS" + bytes(22) + b"\0" + b"something else that is no page at all",
    ],
)
def test_what_is_no_sound_is_told(data: bytes) -> None:
    with pytest.raises(ValueError):
        decoded(data, 50)


def test_nothing_is_silence_and_half_a_sample_is_left_out() -> None:
    assert len(decoded(b"", 1, raw=RATE)) == 0
    assert len(decoded(pcm16(TONE) + b"x", 999, raw=RATE)) == RATE

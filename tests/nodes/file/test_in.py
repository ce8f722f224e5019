"""file.in: a file as a microphone in real time, and a plain sentence for what is no sound file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaidol.graph.frames import Audio, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.tests.graphs import Result, joined, play, sink

RATE = 48_000
LOSSY = ("mp3", "libopus")


def encode(path: Path, samples: np.ndarray[Any, Any], rate: int, *, codec: str, layout: str = "mono") -> Path:
    """Write `samples` (n,) or (n, 2) in [-1, 1] with FFmpeg; the container is told by the name of the file."""
    import av

    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=rate, layout=layout)
        whole = (np.atleast_2d(samples.T).T * 32767).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout=layout)
        frame.sample_rate = rate
        for part in [frame, None]:
            for packet in stream.encode(part):
                out.mux(packet)
    return path


def tone(seconds: float, rate: int, hz: float = 440) -> np.ndarray[Any, Any]:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def hear(path: Path, **settings: Any) -> Result:
    return play(
        {"mic": ("file.in", {"path": str(path), "tail_s": 0, **settings}), "ear": sink(Audio)}, ["mic.audio -> ear.in"]
    )


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 16_000),
        ("a.wav", "pcm_s16le", 22_050),
        ("a.wav", "pcm_s16le", 44_100),
        ("a.flac", "flac", 48_000),
        ("a.ogg", "libopus", 48_000),
        ("a.mp3", "mp3", 24_000),
    ],
)
def test_it_plays_what_is_in_the_file(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    result = hear(encode(tmp_path / name, tone(2.5, rate), rate, codec=codec))
    frames = result.frames("ear")
    assert all(frame.samples.shape == (960,) and frame.rate == RATE for frame in frames)
    heard, wanted = joined(frames), tone(2.5, RATE)
    shift = int(np.argmax(np.correlate(heard[:6_000], wanted[:1_000], mode="valid"))) if codec in LOSSY else 0
    assert len(heard) == pytest.approx(len(wanted), abs=2_000 if codec in LOSSY else 960)
    middle = slice(4_000, 100_000)
    assert np.max(np.abs(heard[shift:][middle] - wanted[middle])) < (0.05 if codec in LOSSY else 0.02)


def test_frames_come_in_real_time_and_are_numbered(tmp_path: Path) -> None:
    result = hear(encode(tmp_path / "a.wav", tone(3, RATE), RATE, codec="pcm_s16le"))
    times = [when for when, _ in result.at("ear")]
    assert times == pytest.approx([0.02 * (n + 1) for n in range(150)], abs=0.001)
    assert [frame.pts for frame in result.frames("ear")] == [960 * n for n in range(150)]


def test_two_channels_become_one(tmp_path: Path) -> None:
    both = np.stack((tone(0.5, RATE), np.zeros(RATE // 2, np.float32)), axis=1)
    result = hear(encode(tmp_path / "a.wav", both, RATE, codec="pcm_s16le", layout="stereo"))
    assert np.max(np.abs(joined(result.frames("ear")))) == pytest.approx(0.25, rel=0.5)


def test_silence_before_and_after(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", np.full(RATE, 0.5, np.float32), RATE, codec="pcm_s16le")
    loud = np.flatnonzero(joined(hear(path, lead_ms=500, tail_s=1.5).frames("ear")))
    assert (loud[0], loud[-1]) == (RATE // 2, RATE * 3 // 2 - 1)
    assert len(joined(hear(path, lead_ms=500, tail_s=1.5).frames("ear"))) == 3 * RATE


def test_silence_goes_on_while_a_reply_is_under_way(tmp_path: Path) -> None:
    class Begins(Node[Settings]):
        inputs = (Port("in", Audio),)
        outputs = (Port("out", Transcript),)

        def process(self, port: str, frame: Audio) -> None:
            if frame.pts == 0:
                self.ctx.fence.begin(1)
            if frame.pts == 5 * RATE:
                self.ctx.fence.played_out(1)

    path = encode(tmp_path / "a.wav", tone(1, RATE), RATE, codec="pcm_s16le")
    nodes = {"mic": ("file.in", {"path": str(path), "tail_s": 0}), "turns": Begins, "ear": sink(Audio)}
    result = play(nodes, ["mic.audio -> turns.in, ear.in"])
    assert result.frames("ear")[-1].pts == pytest.approx(5 * RATE, abs=960)


def _nothing(path: Path) -> Path:
    return path


def _text(path: Path) -> Path:
    path.write_text("This is no sound at all. " * 100)
    return path


def _bytes(path: Path) -> Path:
    path.write_bytes(np.random.default_rng(0).bytes(20_000))
    return path


def _empty(path: Path) -> Path:
    path.touch()
    return path


def _header_only(path: Path) -> Path:
    encode(path, tone(0.1, RATE), RATE, codec="pcm_s16le")
    os.truncate(path, 44)
    return path


def _picture_only(path: Path) -> Path:
    import av

    path = path.with_suffix(".mp4")
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for part in [*(av.VideoFrame(64, 64, "yuv420p") for _ in range(3)), None]:
            for packet in stream.encode(part):
                out.mux(packet)
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_nothing, "there is no file"),
        (_text, "is not a sound file"),
        (_bytes, "is not a sound file|is damaged|is empty|has no sound"),
        (_empty, "is empty"),
        (_header_only, "is empty|is not a sound file"),
        (_picture_only, "has no sound in it, only video"),
        (_folder, "is a folder"),
    ],
)
def test_what_is_no_sound_file_is_told_in_one_sentence(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    path = make(tmp_path / "a.wav")
    result = hear(path)
    (error,) = result.errors
    assert str(path) in error
    assert any(word in error for word in words.split("|")), error
    assert result.frames("ear") == []


def test_a_file_cut_short_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", tone(2, RATE), RATE, codec="pcm_s16le")
    os.truncate(path, 44 + RATE * 2 + 1)
    result = hear(path)
    assert len(joined(result.frames("ear"))) == pytest.approx(RATE, abs=2_000)
    assert result.errors == []

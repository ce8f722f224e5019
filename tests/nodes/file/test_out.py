"""file.out: the reply in a WAV file that can be played at any moment."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import Audio, Sentence
from vaidol.graph.node import Node
from vaidol.nodes.file.out import FileOut
from vaidol.tests.graphs import Result, play, running, source

RATE = 48_000


def read(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def speaks(seconds: float, *, at_s: float = 0.0, rate: int = RATE) -> type[Node[Any]]:
    """A voice that gives one sentence, a little faster than it is played."""
    of, length = Sentence(text="la la la"), rate // 10
    count = round(seconds * 10)
    script = [
        (
            at_s + 0.09 * n,
            Audio(samples=np.full(length, 0.5, np.float32), rate=rate, of=of, sentence_end=n == count - 1),
        )
        for n in range(count)
    ]
    return source(Audio, script, rate=rate, dtype="f32")


def write(path: Path, voice: type[Node[Any]], seconds: float) -> Result:
    return play({"voice": voice, "out": ("file.out", {"path": str(path)})}, ["voice.out -> out.audio"], seconds=seconds)


@pytest.mark.parametrize("rate", [RATE, 24_000])
def test_it_holds_what_was_played_when_it_was_played(tmp_path: Path, rate: int) -> None:
    write(tmp_path / "a.wav", speaks(2, at_s=0.5, rate=rate), 4)
    samples = read(tmp_path / "a.wav")
    assert len(samples) == pytest.approx(4 * RATE, abs=960)
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 8_000)
    assert loud[0] == pytest.approx(RATE // 2, abs=2 * 960)
    assert loud[-1] - loud[0] == pytest.approx(2 * RATE, abs=200)
    assert np.median(samples[loud]) == pytest.approx(16_384, rel=0.02)


def test_it_is_a_whole_wav_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"

    async def main() -> None:
        nodes = {"voice": speaks(3), "out": ("file.out", {"path": str(path)})}
        async with running(nodes, ["voice.out -> out.audio"]):
            assert len(read(path)) == 0
            await asyncio.sleep(2.51)
            assert len(read(path)) == pytest.approx(2 * RATE, abs=2 * 960)
            assert np.max(read(path)) > 16_000

    run_virtual(main())
    assert len(read(path)) == pytest.approx(2.5 * RATE, abs=2 * 960)


def test_a_late_clock_leaves_silence_not_a_hole(tmp_path: Path) -> None:
    async def stall(graph: Any) -> None:
        await asyncio.sleep(0.5)
        graph.cells["out"].node.pacer._pts += 10 * 960
        await asyncio.sleep(0.5)

    path = tmp_path / "a.wav"
    play({"voice": speaks(1), "out": ("file.out", {"path": str(path)})}, ["voice.out -> out.audio"], do=stall)
    assert len(read(path)) == pytest.approx(1.2 * RATE, abs=2 * 960)


@pytest.mark.parametrize("name", ["no/such/folder/a.wav", "."])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    result = write(tmp_path / name, speaks(1), 2)
    assert len(result.errors) == 1
    assert f"{tmp_path / name} cannot be written" in result.errors[0]


def test_a_full_disk_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wav"

    async def fill(graph: Any) -> None:
        node = graph.cells["out"].node
        assert isinstance(node, FileOut)
        await asyncio.sleep(1.5)
        assert node._file is not None
        node._file._file.close()
        node._file._file = open("/dev/full", "wb")  # noqa: ASYNC230, SIM115 - closed by the node
        await asyncio.sleep(5)

    result = play({"voice": speaks(5), "out": ("file.out", {"path": str(path)})}, ["voice.out -> out.audio"], do=fill)
    assert [error.partition(" cannot")[0] for error in result.errors] == [str(path)]

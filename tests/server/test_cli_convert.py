"""`vaidol convert`: files and folders in another voice, and what it says to mistakes."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.models.rvc.ears import write_ears
from tests.models.rvc.voices import checkpoint
from tests.server.command import vaidol

RATE = 16_000
HUM = (0.3 * np.sign(np.sin(2 * np.pi * 150 * np.arange(RATE) / RATE))).astype(np.float32)


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((HUM * 32767).astype("<i2").tobytes())
    return path


def length_s(path: Path) -> tuple[float, int]:
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate(), file.getframerate()


def test_a_file_is_shifted(tmp_path: Path) -> None:
    done = vaidol("convert", write(tmp_path / "a.wav"), tmp_path / "b.wav", "--shift", "child", "--pitch", "4")
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "b.wav"))
    assert length_s(tmp_path / "b.wav") == (pytest.approx(1.0, abs=0.01), 48_000)


def test_a_folder_is_converted_by_a_voice_and_a_bad_file_spoils_nothing_else(tmp_path: Path) -> None:
    torch.save(checkpoint(2), tmp_path / "voice.pth")
    write_ears(tmp_path / "ears")
    for name in ("one.wav", "deep/two.wav"):
        write(tmp_path / "in" / name)
    (tmp_path / "in" / "bad.mp3").write_bytes(b"nothing")
    how = ("--model", tmp_path / "voice.pth", "--units", tmp_path / "ears", "--f0", "periods")
    done = vaidol("convert", tmp_path / "in", tmp_path / "out", *how)
    assert done.returncode == 1
    assert "bad.mp3" in done.stderr
    assert "1 of 3" in done.stdout
    for name in ("one.wav", "deep/two.wav"):
        assert length_s(tmp_path / "out" / name) == (pytest.approx(1.0, abs=0.01), 40_000)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.wav", "b.wav", "--shift", "child"), "none.wav"),
        (("a.wav", "a.wav", "--shift", "child"), "written over"),
        (("a.wav", "no/b.wav", "--shift", "child"), "no folder"),
        ((".", "out", "--shift", "child"), "written over|no sound"),
        (("a.wav", "b.wav", "--model", "nobody"), "nobody"),
        (("a.wav", "b.wav", "--model", "wrong.pth"), "wrong.pth"),
        (("text.wav", "b.wav", "--shift", "child"), "not a sound file"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.wav")
    (tmp_path / "wrong.pth").write_bytes(b"no voice")
    (tmp_path / "text.wav").write_text("hello " * 100)
    if arguments[0] == ".":
        arguments = (".", ".", *arguments[2:])
    done = vaidol("convert", *arguments)
    assert done.returncode == 2
    assert any(word in done.stderr for word in said.split("|")), done.stderr
    assert "Traceback" not in done.stderr

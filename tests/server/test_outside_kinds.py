"""A package that is not part of vaidol adds node kinds: installed by pip, used by name, and named when it is broken."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "vaidol-loud"
version = "0.1"
[project.entry-points."vaidol.nodes"]
"loud.gain" = "vaidol_loud:Gain"
"loud.broken" = "vaidol_loud.broken:Node"
"loud.absent" = "vaidol_loud.nowhere:Node"
"loud.number" = "vaidol_loud:NUMBER"
[tool.setuptools]
packages = ["vaidol_loud"]
"""
NODE = '''\
from dataclasses import replace

from pydantic import Field

from vaidol.graph.frames import Audio
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port

NUMBER = 7


class GainSettings(Settings):
    factor: float = Field(2.0, ge=0)
    """Factor on every sample."""


class Gain(Node[GainSettings]):
    """loud.gain: louder."""

    inputs = (Port("audio", Audio, dtype="f32"),)
    outputs = (Port("audio", Audio, like="audio", dtype="f32"),)

    def process(self, port, frame):
        self.emit("audio", replace(frame, samples=frame.samples * self.settings.factor))
'''
BROKEN = "raise RuntimeError('wants a\\n graphics card')\n"
PIPELINE = """\
version: 1
name: loud
nodes:
  mic: { use: webrtc.in }
  gain: { use: KIND, with: { factor: FACTOR } }
  out: { use: webrtc.out }
edges:
  - mic.audio -> gain.audio
  - gain.audio -> out.audio
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package is installed into."""
    tree = tmp_path_factory.mktemp("loud")
    (tree / "vaidol_loud").mkdir()
    (tree / "pyproject.toml").write_text(PROJECT)
    (tree / "vaidol_loud" / "__init__.py").write_text(NODE)
    (tree / "vaidol_loud" / "broken.py").write_text(BROKEN)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", tree / "site", tree], check=True, timeout=100, capture_output=True)
    return tree / "site"


def vaidol(site: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-m", "vaidol.server.cli", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def pipeline(folder: Path, kind: str = "loud.gain", factor: object = 3) -> Path:
    path = folder / "loud.yaml"
    path.write_text(PIPELINE.replace("KIND", kind).replace("FACTOR", str(factor)))
    return path


def sound(path: Path, samples: list[float] | None = None) -> list[float]:
    """Write or read 16-bit mono sound in [-1, 1]."""
    if samples is not None:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1), file.setsampwidth(2), file.setframerate(48_000)
            file.writeframes((np.array(samples) * 32767).astype("<i2").tobytes())
        return samples
    with wave.open(str(path), "rb") as file:
        return list(np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767)


def test_its_kind_is_listed_checked_and_run(installed: Path, tmp_path: Path) -> None:
    told = vaidol(installed, "nodes", "loud.gain").stdout
    assert "loud.gain: louder." in told
    assert "Factor on every sample." in told
    done = vaidol(installed, "check", pipeline(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    sound(tmp_path / "in.wav", [0.1] * 24_000)
    done = vaidol(installed, "run", pipeline(tmp_path), "--in", tmp_path / "in.wav", "--out", tmp_path / "out.wav")
    assert done.returncode == 0, done.stderr
    assert max(sound(tmp_path / "out.wav")) == pytest.approx(0.3, abs=0.01)


def test_its_settings_are_checked_as_all_are(installed: Path, tmp_path: Path) -> None:
    done = vaidol(installed, "check", pipeline(tmp_path, factor=-1))
    assert done.returncode == 2
    assert "loud.yaml:5:43: node 'gain': factor: input should be greater than or equal to 0, not -1" in done.stderr
    assert "loud.gain" in vaidol(installed, "check", pipeline(tmp_path, "loud.gian")).stderr


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("loud.broken", "of vaidol-loud (vaidol_loud.broken:Node) cannot be loaded: RuntimeError: wants a graphics"),
        ("loud.absent", "of vaidol-loud (vaidol_loud.nowhere:Node) cannot be loaded: No module named 'vaidol_loud."),
        ("loud.number", "cannot be loaded: 7 is no node class"),
    ],
)  # fmt: skip
def test_a_broken_package_is_named_in_one_line(installed: Path, tmp_path: Path, kind: str, reason: str) -> None:
    done = vaidol(installed, "check", pipeline(tmp_path, kind))
    assert done.returncode == 2
    assert f"node 'gain': kind '{kind}' {reason}" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert f"{kind}: not usable here" in vaidol(installed, "nodes", kind).stdout


def test_who_does_not_use_a_broken_package_does_not_notice(installed: Path, tmp_path: Path) -> None:
    assert vaidol(installed, "check", "default").returncode == 0
    done = vaidol(installed, "schema")
    assert done.returncode == 0
    assert [line[:28] for line in done.stderr.splitlines()] == [f"left out: kind 'loud.{name}'" for name in
                                                               ("absent", "broken", "number")]  # fmt: skip
    assert '"loud.gain"' in done.stdout
    assert '"loud.broken"' not in done.stdout

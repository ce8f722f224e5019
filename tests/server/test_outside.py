"""A package of somebody else's adds a node kind: really installed, found by its entry point, used by the commands."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "acme-nodes"
version = "1.0"
[project.entry-points."vaidol.nodes"]
"acme.gain" = "acme_nodes:Gain"
"acme.broken" = "acme_nodes.broken:Broken"
[tool.setuptools]
packages = ["acme_nodes"]
"""
GAIN = '''
"""acme.gain: louder or softer."""
from dataclasses import replace
from pydantic import Field
from vaidol.graph.frames import Audio
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port

class GainSettings(Settings):
    factor: float = Field(1.0, ge=0, le=4)
    """What samples are multiplied by."""

class Gain(Node[GainSettings]):
    """acme.gain: louder or softer.  audio (Audio) -> audio (Audio)"""
    inputs = (Port("audio", Audio, dtype="f32"),)
    outputs = (Port("audio", Audio, dtype="f32", like="audio"),)

    def process(self, port, frame):
        self.emit("audio", replace(frame, samples=frame.samples * self.settings.factor))
'''
PIPELINE = """
version: 1
name: outside
extends: echo.yaml
nodes:
  gain: { use: %s, with: { factor: 0.5 } }
edges:
  - { from: mic.audio, to: out.audio, drop: true }
  - mic.audio -> gain.audio
  - gain.audio -> out.audio
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    (source / "acme_nodes").mkdir()
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "acme_nodes/__init__.py").write_text(GAIN)
    (source / "acme_nodes/broken.py").write_text("raise RuntimeError('no licence key')")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        site,
        source,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    return site


def vaidol(site: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-m", "vaidol.server.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": paths}
    )


def pipeline(folder: Path, kind: str) -> Path:
    path = folder / "outside.yaml"
    path.write_text(PIPELINE % kind)
    return path


def test_its_kind_is_listed_checked_and_run(site: Path, tmp_path: Path) -> None:
    told = vaidol(site, "nodes", "acme.gain")
    assert told.returncode == 0, told.stderr
    assert "What samples are multiplied by." in told.stdout
    assert vaidol(site, "check", pipeline(tmp_path, "acme.gain")).returncode == 0

    loud = np.full(16_000, 0.5)
    with wave.open(str(tmp_path / "in.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((loud * 32767).astype("<i2").tobytes())
    done = vaidol(site, "run", tmp_path / "outside.yaml", "--in", tmp_path / "in.wav", "--out", tmp_path / "out.wav")
    assert done.returncode == 0, done.stderr
    with wave.open(str(tmp_path / "out.wav")) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32767
    assert np.median(heard[np.abs(heard) > 0.05]) == pytest.approx(0.25, abs=0.01)


def test_a_package_that_is_broken_is_one_line_and_harms_nothing_else(site: Path, tmp_path: Path) -> None:
    told = vaidol(site, "check", pipeline(tmp_path, "acme.broken"))
    assert told.returncode == 2
    assert "outside.yaml:6:" in told.stderr
    assert "acme-nodes" in told.stderr
    assert "no licence key" in told.stderr
    assert "Traceback" not in told.stderr
    assert vaidol(site, "check", "echo").returncode == 0


def test_its_settings_and_name_are_checked_like_any_others(site: Path, tmp_path: Path) -> None:
    path = pipeline(tmp_path, "acme.gian")
    assert "acme.gain" in vaidol(site, "check", path).stderr
    path.write_text((PIPELINE % "acme.gain").replace("factor: 0.5", "factr: 9"))
    assert "factor" in vaidol(site, "check", path).stderr

"""`vaidol models` with voices of the user's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch

from tests.models.rvc.voices import checkpoint
from tests.server.command import vaidol


def models(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return vaidol("models", *arguments, VAIDOL_MODELS=str(store))


def test_a_voice_is_added_listed_described_verified_and_removed(tmp_path: Path) -> None:
    torch.save(checkpoint(3), tmp_path / "Anna.pth")
    store, converted = tmp_path / "store", tmp_path / "Anna.safetensors"
    assert models(store, "convert", str(tmp_path / "Anna.pth"), str(converted)).stdout == f"{converted}: ready\n"
    assert "v2, 40 kHz" in models(store, "info", str(converted)).stdout
    assert models(store, "add", str(tmp_path / "Anna.pth"), "--hz", "220").stdout == "Anna: ready\n"
    assert "Anna" in models(store, "list").stdout
    told = models(store, "info", "Anna").stdout
    assert "an RVC voice, v2, 40 kHz, follows pitch (f0), 3 speakers" in told
    assert "info: 200epoch" in told
    assert "usual_hz: 220" in told
    assert models(store, "verify", "Anna").stdout.startswith("Anna: ok")
    (store / "voices/Anna/voice.safetensors").write_bytes(b"gone wrong")
    broken = models(store, "verify")
    assert broken.returncode == 1
    assert broken.stderr.startswith("Anna: ")
    assert "freed" in models(store, "remove", "Anna").stdout
    assert "Anna" not in models(store, "list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "/no/such.pth"), "there is nothing at /no/such.pth"),
        (("add", "/no/such.pth", "--hz", "5"), "50 to 1100 Hz, not at 5"),
        (("info", "nobody"), "'nobody'"),
        (("remove", "nobody"), "'nobody'"),
        (("convert", "/no/such.pth", "/tmp/x.pth"), "must be a .safetensors file"),
        (("pull", "contentvek"), "contentvec"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = models(tmp_path, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_networks_of_rvc_are_in_the_catalogue(tmp_path: Path) -> None:
    told = models(tmp_path, "info", "contentvec", "rmvpe").stdout
    assert "hubert_base.pt  189507909 bytes" in told
    assert "rmvpe.pt  181184272 bytes" in told

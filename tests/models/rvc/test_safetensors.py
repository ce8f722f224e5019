"""Voices become safetensors and speak the same; headers that claim too much or describe nothing are refused."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.models.rvc.refusal import refusal
from tests.models.rvc.voices import checkpoint, save
from vaidol.models.errors import LoadError
from vaidol.models.rvc import convert_voice, load_voice, voice_about

MADE = checkpoint(42, "v2", "40k")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voice.pth"


def test_a_voice_becomes_safetensors_and_speaks_the_same(path: Path) -> None:
    save(path, MADE | {"author": "me", "epoch": 7})
    target = path.with_suffix(".safetensors")
    convert_voice(path, target)
    config, about = voice_about(target)
    assert (config, about) == voice_about(path)
    assert about == {"info": "200epoch", "author": "me", "epoch": "7"}
    assert config.speakers == 3
    one, two = load_voice(path), load_voice(target)
    for key, weight in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[key], weight, atol=2e-3, rtol=1e-3)
    with pytest.raises(LoadError, match="cannot be written"):
        convert_voice(path, path.parent / "none" / "voice.safetensors")


def safetensors(path: Path, header: Any, rest: bytes = b"\0" * 64) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + rest)
    return path


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}, "of another kind"),
        ({"a": {"dtype": "F16", "shape": [10**9], "data_offsets": [0, 4]}}, "does not have 4 bytes"),
        ({"a": {"dtype": "F16", "shape": [10**9], "data_offsets": [0, 2 * 10**9]}}, "2000000000 bytes of weights"),
        ({"a": {"dtype": "F16", "shape": [-1], "data_offsets": [0, -2]}}, "no number"),
        ({"a": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}, "describes no tensors"),
        ({"a": {"dtype": "F16", "data_offsets": 5}}, "describes no tensors"),
        ({"a": 3, "__metadata__": 4}, "describes no tensors"),
        (b"{not json", "no JSON"),
        (b"{" + b"[" * 100_000, "no JSON"),
    ],
)
def test_a_wrong_safetensors_header_is_refused(tmp_path: Path, header: Any, says: str) -> None:
    assert says in refusal(safetensors(tmp_path / "voice.safetensors", header))


@pytest.mark.parametrize("length", [10_000_000_000, 2**63, 200])
def test_a_header_longer_than_the_file_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "voice.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{" + b" " * 90)
    assert f"its header claims {length} bytes" in refusal(path)


def test_a_converted_voice_whose_description_is_wrong_is_refused(path: Path) -> None:
    target = path.with_suffix(".safetensors")
    convert_voice(save(path, MADE), target)
    weights = load_file(target)
    for about in ({}, {"format": "rvc"}, {"format": "rvc", "config": "["}, {"format": "rvc", "config": "[1]"}):
        save_file(weights, target, about)
        refusal(target)

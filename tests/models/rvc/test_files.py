"""Whatever lies in the place of a voice is refused in one sentence: nothing in it runs, no claim takes memory."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.rvc.refusal import refusal
from tests.models.rvc.voices import checkpoint, save
from vaidol.models.errors import LoadError
from vaidol.models.rvc import load_voice

MADE = checkpoint(41, "v2", "40k")


class Evil:
    """Pickles itself as a call."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.made = (call, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voice.pth"


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("call", "name"), [(os.mkdir, "posix.mkdir"), (eval, "eval"), (torch.load, "torch.serialization.load")]
)
def test_code_is_never_run(path: Path, call: Callable[..., Any], name: str, legacy: bool, protocol: int) -> None:
    trap = path.parent / "trap"
    argument = f"__import__('os').mkdir({str(trap)!r})" if call is eval else str(trap)
    torch.save(
        MADE | {"info": Evil(call, argument)},
        path,
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=not legacy,
    )
    assert f"{name}, which is code" in refusal(path)
    assert not trap.exists()


def test_a_plain_pickle_is_never_run(path: Path) -> None:
    trap = path.parent / "trap"
    path.write_bytes(pickle.dumps(Evil(os.mkdir, str(trap))))
    assert "is a plain pickle" in refusal(path)
    assert not trap.exists()


def test_the_part_that_only_training_needs_is_left_out(path: Path) -> None:
    voice = load_voice(save(path, with_weight("enc_q.pre.weight", torch.zeros(16, 1025, 1))))
    assert not any(key.startswith("enc_q") for key in voice.state_dict())


def test_what_a_file_says_fits_on_one_line(path: Path) -> None:
    name = "line\nfeed\x1b[31m" + "long" * 1000
    for made in (
        {name: 1},
        changed(vocoder=name),
        changed(version=name),
        with_weight(name, torch.zeros(3)),
        with_config(17, name),
        with_config(6, name),
        with_config(9, name),
    ):
        said = refusal(save(path, made))
        assert said.isprintable()
        assert len(said) < 400


def changed(**parts: Any) -> dict[str, Any]:
    return MADE | parts


def with_config(at: int, value: Any) -> dict[str, Any]:
    return changed(config=[*MADE["config"][:at], value, *MADE["config"][at + 1 :]])


def with_weight(key: str, value: torch.Tensor) -> dict[str, Any]:
    return changed(weight=MADE["weight"] | {key: value})


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"model": MADE["weight"], "iteration": 3, "optimizer": {}, "learning_rate": 1e-4}, "is a training checkpoint"),
        (changed(vocoder="RefineGAN"), "the vocoder RefineGAN"),
        (changed(vocoder="MRF HiFi-GAN"), "the vocoder MRF HiFi-GAN"),
        (with_weight("dec.mrfs.0.0.convs1.0.bias", torch.zeros(3)), "the vocoder MRF HiFi-GAN"),
        (with_config(12, [10, 8, 2, 2]), r"multiply to 320, but 40000 Hz needs 400"),
        (with_config(17, "44k"), "its rate is '44k'"),
        (with_config(14, [16, 16, 4, 3]), "upsample kernels"),
        (with_config(13, 10**9), "upsample channels is 1000000000"),
        (with_config(13, 36), "cannot be halved"),
        (with_config(6, -1), "number of layers is -1"),
        (with_config(10, [3, 7, 12]), "residual kernels"),
        (with_config(11, 5), "no list of lists"),
        (with_config(5, 3), "shared by 3 heads"),
        (with_config(9, "2"), "residual block"),
        (changed(config=[1, 2]), "2 entries, not 18"),
        (changed(config="40k"), "no config"),
        (changed(version="v3"), "version is 'v3'"),
        (changed(version="v1"), "hears [768] features, not 256"),
        (with_config(3, 32), "its own description needs"),
        (changed(f0=0), "which belongs to another network"),
        (with_weight("dec.conv_pre.weight", torch.zeros(32, 12, 5)), "[32, 12, 5] float32, its own description needs"),
        (with_weight("dec.conv_pre.weight", torch.zeros(32, 12, 7, dtype=torch.long)), "int64, its own description"),
        (with_weight("dec.ups.0.weight_g", torch.zeros(2, 2)), "a weight norm of [2, 2]"),
        (with_weight("dec.conv_pre.bias", torch.full((32,), torch.nan)), "not finite"),
        (with_weight("surprise", torch.zeros(3)), "has surprise, which belongs to another network"),
        ({"weight": {}, "config": MADE["config"]}, "is no voice, it has weight, config"),
        ({"state_dict": MADE["weight"]}, "is no voice, it has state_dict"),
        ([1, 2, 3], "holds a list"),
        (torch.zeros(3), "holds a TensorSpec"),
        (changed(weight={key: value for key, value in MADE["weight"].items() if key != "emb_g.weight"}), "no speakers"),
        (changed(weight={key: value for key, value in MADE["weight"].items() if "proj" not in key}), "no enc_p.proj"),
    ],
)
def test_another_network_is_refused(path: Path, made: Any, says: str) -> None:
    said = refusal(save(path, made))
    assert says in said
    assert "is needed" in said or "fetch" in said or "damaged" in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer"),
        (b"IwFl" + b"\0" * 60, "a faiss index"),
        (b"hello world", "of another kind"),
        (b"PK\x03\x04 and no end", "cut off or damaged"),
    ],
)
def test_what_is_no_file_of_weights_is_told(path: Path, content: bytes, says: str) -> None:
    path.write_bytes(content)
    assert says in refusal(path)


def test_a_file_that_is_not_there_is_told(path: Path) -> None:
    assert "No such file" in refusal(path)
    path.mkdir()
    assert "Is a directory" in refusal(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_that_is_cut_off_is_refused(path: Path, legacy: bool) -> None:
    torch.save(MADE, path, _use_new_zipfile_serialization=not legacy)
    whole = path.read_bytes()
    for length in (60, 3000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "cut off or damaged" in refusal(path)


def rewrite(path: Path, change: Callable[[bytes], bytes], how: int = zipfile.ZIP_STORED) -> None:
    """Write the archive anew with another data.pkl."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, change(content) if name.endswith("data.pkl") else content)


def test_tensors_larger_than_the_file_are_refused(path: Path) -> None:
    save(path, MADE)
    count, more = (
        b"M\x00\x30",
        b"J\xff\xff\xff\x7f",
    )  # 12288, the values of emb_phone, and 2**31 - 1 as pickles have them
    rewrite(path, lambda data: data.replace(count, more))
    assert "its header claims 4294967294 bytes of weights where it holds 24576" in refusal(path)
    for shape in ([10**10], [32, 10**9]):
        expanded = torch.zeros(1, dtype=torch.float16).expand(shape)
        save(path, with_weight("dec.conv_pre.bias", expanded))
        assert "MB of weights in 0 MB" in refusal(path)
    one = torch.zeros(400_000, dtype=torch.float16)
    save(path, changed(weight=MADE["weight"] | {f"part{i}": one[: 399_000 + i] for i in range(500)}))
    assert "MB of weights in" in refusal(path)


def test_a_storage_that_is_not_there_is_refused(path: Path) -> None:
    save(path, MADE)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = max((name for name in members if "/data/" in name), key=lambda name: len(members[name]))
    for content in (None, b"", members[name][:-2]):
        with zipfile.ZipFile(path, "w") as archive:
            for other, data in members.items():
                if other != name:
                    archive.writestr(other, data)
                elif content is not None:
                    archive.writestr(other, content)
        assert "its header claims" in refusal(path)


def test_a_packed_archive_is_not_unpacked(path: Path) -> None:
    save(path, MADE)
    rewrite(path, lambda data: data, zipfile.ZIP_DEFLATED)
    assert "torch.save did not write" in refusal(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("voice/data.pkl", b"\0" * 200_000_000)
    assert "torch.save did not write" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("voice.pth", b"")
    assert "unpack it" in refusal(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), legacy=st.booleans())
def test_no_damage_raises_anything_else(tmp_path: Path, data: st.DataObject, legacy: bool) -> None:
    small = {"weight": {"a": torch.ones(3), "b": torch.zeros(2, 2).half()}, "config": [1, "x"], "f0": True}
    path = tmp_path / "small.pth"
    torch.save(small, path, _use_new_zipfile_serialization=not legacy)
    content = bytearray(path.read_bytes())
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=4)):
        content[at] = value
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    with pytest.raises(LoadError):
        load_voice(path)


@given(st.binary(max_size=200))
def test_no_pickle_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("voice/data.pkl", data)
    with pytest.raises(LoadError):
        load_voice(path)

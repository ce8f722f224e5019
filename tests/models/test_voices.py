"""Voices as people have them: lone files, WebUI's and Applio's folders, downloads; and what is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.models.rvc.voices import checkpoint
from vaidol.models.errors import LoadError, ModelError
from vaidol.models.rvc import load_voice
from vaidol.models.store import ModelUnknown, Store
from vaidol.models.voices import Voices, find_voices, voice_name


def voice(path: Path, seed: int = 1, version: str = "v2") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint(seed, version), path)
    return path


def index(path: Path, width: int = 768) -> Path:
    import faiss

    path.parent.mkdir(parents=True, exist_ok=True)
    made = faiss.index_factory(width, "IVF2,Flat")
    vectors = np.random.default_rng(0).normal(size=(100, width)).astype(np.float32)
    made.train(vectors)
    made.add(vectors)
    faiss.write_index(made, str(path))
    return path


def found(folder: Path) -> dict[str, str]:
    """File of each voice -> file of its index."""
    return {path.name: near.name if near else "" for path, near in find_voices(folder)}


def test_a_file_becomes_a_voice_that_speaks_the_same_and_has_a_name(tmp_path: Path) -> None:
    path = voice(tmp_path / "Anna_e200_s4000.pth")
    index(tmp_path / "added_IVF2_Flat_nprobe_1_Anna_v2.index")
    voices = Voices(tmp_path / "store")
    (added,) = voices.add(path)
    assert (added.name, added.index is not None, voices.names()) == ("Anna", True, ["Anna"])
    assert Store(tmp_path / "store").path("Anna") == added.path == voices.get("Anna").path
    ours, theirs = load_voice(added.path).state_dict(), load_voice(path).state_dict()
    assert all(torch.allclose(ours[key], theirs[key], atol=2e-3, rtol=2e-3) for key in theirs)
    assert voices.remove("Anna") > 0
    assert voices.names() == []


def test_folders_of_webui_and_applio_are_understood(tmp_path: Path) -> None:
    for name in ("anna", "bert"):
        voice(tmp_path / f"assets/weights/{name}.pth")
        index(tmp_path / f"logs/{name}/added_IVF2_Flat_nprobe_1_{name}_v2.index")
        index(tmp_path / f"logs/{name}/trained_IVF2_Flat_nprobe_1_{name}_v2.index")
    (tmp_path / "assets/hubert").mkdir()
    (tmp_path / "assets/hubert/hubert_base.pth").write_bytes(b"")
    (tmp_path / "logs/anna/G_2333.pth").write_bytes(b"")
    assert found(tmp_path) == {f"{n}.pth": f"added_IVF2_Flat_nprobe_1_{n}_v2.index" for n in ("anna", "bert")}
    assert found(tmp_path / "assets/weights/anna.pth") == {"anna.pth": "added_IVF2_Flat_nprobe_1_anna_v2.index"}
    voices = Voices(tmp_path / "store")
    assert [one.name for one in voices.add(tmp_path)] == ["anna", "bert"]
    assert all(voices.get(name).index for name in voices.names())


def test_a_lone_index_belongs_to_a_lone_voice_and_to_nobody_among_several(tmp_path: Path) -> None:
    voice(tmp_path / "one" / "model.pth")
    index(tmp_path / "one" / "added.index")
    assert found(tmp_path / "one") == {"model.pth": "added.index"}
    assert voice_name(tmp_path / "one" / "model.pth") == "one"
    voice(tmp_path / "two" / "a.pth")
    voice(tmp_path / "two" / "b.pth")
    index(tmp_path / "two" / "added.index")
    assert found(tmp_path / "two") == {"a.pth": "", "b.pth": ""}


def test_a_download_is_unpacked_and_nothing_leaves_its_folder(tmp_path: Path) -> None:
    path = voice(tmp_path / "x.pth")
    near = index(tmp_path / "added_x.index")
    with zipfile.ZipFile(tmp_path / "Clara.zip", "w") as archive:
        archive.write(path, "../../model.pth")
        archive.write(near, "added_clara.index")
        archive.writestr("readme.txt", "hello")
    voices = Voices(tmp_path / "store")
    (added,) = voices.add(tmp_path / "Clara.zip")
    assert (added.name, added.index is not None) == ("Clara", True)
    assert not (tmp_path.parent / "model.pth").exists()


@pytest.mark.parametrize("name", ["a.zip", "a.txt", "nothing.pth", "folder", "broken.zip"])
def test_what_holds_no_voice_is_told_in_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4 and no more")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ModelError, match=name) as refused:
        Voices(tmp_path / "store").add(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_a_voice_that_cannot_be_used_leaves_nothing_behind(tmp_path: Path) -> None:
    voices = Voices(tmp_path / "store")
    path = voice(tmp_path / "anna.pth")
    with pytest.raises(LoadError, match="256"):
        voices.add(path, index=index(tmp_path / "of_another.index", 256))
    (tmp_path / "bad.pth").write_bytes(path.read_bytes()[:5000])
    with pytest.raises(LoadError):
        voices.add(tmp_path / "bad.pth")
    assert voices.names() == []
    assert not (tmp_path / "store/voices").exists() or not list((tmp_path / "store/voices").iterdir())


def test_names_are_free_unique_and_safe(tmp_path: Path) -> None:
    voices = Voices(tmp_path / "store")
    path = voice(tmp_path / "anna.pth")
    voices.add(path, name="../Änne Müller")
    assert voices.names() == ["Änne-Müller"]
    with pytest.raises(ModelError, match="already"):
        voices.add(path, name="Änne Müller")
    with pytest.raises(ModelError, match="--name"):
        voices.add(path, name="...")
    with pytest.raises(ModelUnknown, match="Änne-Müller"):
        voices.get("Anne-Muller")
    with pytest.raises(ModelUnknown):
        voices.get("../voices/Änne-Müller")

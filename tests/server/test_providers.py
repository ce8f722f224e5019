"""`vaidol doctor`, the tables of the README, `vaidol new-node`, and how long a provider may be."""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import pytest

from vaidol.nodes import registry
from vaidol.server import providers
from vaidol.server.cli import main

ROOT = Path(__file__).parents[2]


def examined(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[bool, str]]:
    assert main(["doctor", "--json"]) == 0
    return {row["kind"]: (row["ready"], row["say"]) for row in json.loads(capsys.readouterr().out)}


def test_the_doctor_says_what_is_missing_and_what_is_ready(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ELEVENLABS_API_KEY", raising=False)
    monkeypatch.setenv("DEEPGRAM_API_KEY", "x")
    monkeypatch.setenv("PATH", "/nowhere")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in ("piper", "vosk") else find(name))
    monkeypatch.setattr(providers, "_answers", lambda address: address.endswith(":9880"))
    found = examined(capsys)
    assert found["tts.elevenlabs"] == (False, "set ELEVENLABS_API_KEY")
    assert found["tts.deepgram"] == found["asr.deepgram"] == (True, "ready")
    assert found["tts.espeak"] == (False, "install the program espeak-ng")
    assert found["tts.piper"] == (False, "pip install 'vaidol[piper]'")
    assert found["asr.vosk"] == (False, "pip install 'vaidol[vosk]'")
    assert found["tts.gpt_sovits"] == (True, "ready")
    ready, say = found["asr.whisper_cpp"]
    assert not ready
    assert say.endswith("nobody answers at http://127.0.0.1:8080")
    assert found["agent.openai"] == (True, "ready; give base_url or a preset")


@pytest.mark.models
def test_the_doctor_says_what_it_has_found_and_no_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPGRAM_API_KEY", "sesame")
    monkeypatch.setattr(providers, "_answers", lambda address: False)
    assert main(["doctor", "--json"]) == 0
    told = capsys.readouterr().out
    has = {row["kind"]: row["has"] for row in json.loads(told)}
    package, *rest = has["asr.faster_whisper"]
    assert package.startswith("package faster-whisper 1.")
    assert rest == ["model whisper-tiny.en", "device cpu"]
    assert has["tts.deepgram"] == ["key in DEEPGRAM_API_KEY"]
    assert "sesame" not in told


def test_a_model_that_is_not_here_is_told_with_the_command_that_fetches_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAIDOL_MODELS", str(tmp_path))
    monkeypatch.setattr(providers, "_answers", lambda address: False)
    assert examined(capsys)["agent.llama"] == (False, "vaidol models pull smollm2-135m-instruct")


def test_the_doctor_names_every_provider_in_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    known = providers.providers(registry())
    assert all(f" {kind} " in told for kind in known)
    assert f"of {len(known)} can be used" in told


def test_the_tables_of_the_readme_are_those_of_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--markdown"]) == 0
    told = capsys.readouterr().out
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    between = readme.partition("<!-- vaidol doctor --markdown -->")[2].partition("<!-- end -->")[0]
    assert between.strip() == told.strip(), "put what `vaidol doctor --markdown` prints into the README"


def test_there_are_many_providers_and_each_is_short() -> None:
    known = providers.providers(registry())
    rooms = [kind.partition(".")[0] for kind in known]
    assert rooms.count("tts") >= 15
    assert rooms.count("asr") >= 7
    lines = {kind: len((ROOT / "nodes" / f"{kind.replace('.', '/')}.py").read_text().splitlines()) for kind in known}
    assert statistics.median(lines.values()) <= 90, lines


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("nodes", "tests"):
        (tmp_path / folder).mkdir()
    return tmp_path


def load(path: Path, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("room", ["tts", "asr", "agent", "text", "brand_new"])
def test_a_new_node_and_its_test_work_as_they_are_written(
    room: str, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new-node", room, "my_thing", "--into", str(checkout)]) == 0
    told = capsys.readouterr().out
    node, test = checkout / "nodes" / room / "my_thing.py", checkout / "tests" / "nodes" / room / "test_my_thing.py"
    assert f"{node}\n{test}\n" in told
    assert (checkout / "nodes" / room / "__init__.py").is_file()
    for name in (f"vaidol.nodes.{room}", f"vaidol.nodes.{room}.my_thing", f"test_{room}_my_thing"):
        monkeypatch.setitem(sys.modules, name, sys.modules.get(name, sys))
    load(node, f"vaidol.nodes.{room}.my_thing")
    written = load(test, f"test_{room}_my_thing")
    ran = 0
    for name, check in vars(written).items():
        if name.startswith("test_"):
            marks = getattr(check, "pytestmark", [])
            for values in marks[0].args[1] if marks else [()]:
                check(*values)
                ran += 1
    assert ran >= 1
    assert main(["new-node", room, "my_thing", "--into", str(checkout)]) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tts", "Big"], "'Big' is no name"),
        (["../up", "x"], "'../up' is no name"),
        (["tts", "hibari"], "there is a kind 'tts.hibari' already"),
    ],
)
def test_a_name_that_cannot_be_is_told(
    arguments: list[str], words: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new-node", *arguments, "--into", str(checkout)]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_that_is_no_checkout_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-node", "tts", "mine", "--into", str(tmp_path)]) == 2
    assert "is no checkout of vaidol" in capsys.readouterr().err

"""Recognizers of optional packages, the package's place taken by a double; and folders of models, known by files."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.graphs import running, sink
from tests.nodes.agent.talk import until
from tests.nodes.asr.test_listeners import SOUND, Ear, errors, hear, texts
from vaidol.graph.frames import Transcript
from vaidol.nodes.asr.sherpa_onnx import describe


def heard(kind: str, **settings: Any) -> tuple[list[str], list[tuple[str, str]]]:
    """What is understood of a second of sound at 44.1 kHz, and the errors."""

    async def main() -> tuple[list[str], list[tuple[str, str]]]:
        nodes = {"ear": Ear, "asr": (kind, settings), "end": sink(Transcript)}
        async with running(nodes, ["ear.audio -> asr.audio", "asr.transcript -> end.in"]) as graph:
            await until(lambda: graph.cells["asr"].state != "loading")
            if not errors(graph):
                await hear(graph, np.repeat(SOUND, 3)[:44_100], 44_100)
            return texts(graph), errors(graph)

    return asyncio.run(main())


class Recognizer:
    """Of Vosk."""

    def __init__(self, model: Any, rate: int, *grammar: str) -> None:
        self.said = json.loads(grammar[0])[0] if grammar else f"hello at {rate}"

    def AcceptWaveform(self, data: bytes) -> bool:
        assert abs(len(data) - 32_000) < 200
        return False

    def FinalResult(self) -> str:
        return json.dumps({"text": f"{self.said} [unk]"})


@pytest.fixture
def vosk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    double = ModuleType("vosk")
    double.__dict__.update(KaldiRecognizer=Recognizer, Model=lambda path: path, SetLogLevel=lambda level: None)
    monkeypatch.setitem(sys.modules, "vosk", double)
    (tmp_path / "am").mkdir()
    return tmp_path


def test_vosk_hears_everything_or_only_what_is_allowed(vosk: Path) -> None:
    assert heard("asr.vosk", model=str(vosk)) == (["hello at 16000"], [])
    assert heard("asr.vosk", model=str(vosk), grammar=["yes", "no"]) == (["yes"], [])


def test_a_folder_without_a_model_is_told_before_the_library_crashes(vosk: Path) -> None:
    (vosk / "am").rmdir()
    assert heard("asr.vosk", model=str(vosk))[1] == [("model", f"{vosk} holds no Vosk model")]
    assert heard("asr.vosk", model="/no/such")[1] == [("model", "the Vosk model is not there: '/no/such'")]


@pytest.mark.parametrize(
    ("kind", "package", "extra"), [("asr.vosk", "vosk", "vosk"), ("asr.sherpa_onnx", "sherpa_onnx", "sherpa")]
)
def test_a_missing_package_is_told_with_the_way_to_get_it(
    kind: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    [(code, told)] = heard(kind, model="x")[1]
    assert code == "missing"
    assert told.endswith(f"needs more packages: pip install 'vaidol[{extra}]'")


FOLDERS = {
    "transducer": ("zipformer-en", ["encoder-epoch-99.int8.onnx", "decoder-epoch-99.onnx", "joiner-epoch-99.onnx"]),
    "whisper": ("sherpa-onnx-whisper-tiny", ["tiny-encoder.int8.onnx", "tiny-decoder.int8.onnx"]),
    "moonshine": (
        "moonshine-tiny",
        ["preprocess.onnx", "encode.int8.onnx", "uncached_decode.onnx", "cached_decode.onnx"],
    ),
    "paraformer": ("sherpa-onnx-paraformer-zh", ["model.int8.onnx"]),
    "sense_voice": ("sherpa-onnx-sense-voice-zh-en", ["model.int8.onnx", "model.onnx"]),
    "nemo_ctc": ("sherpa-onnx-nemo-ctc-en", ["model.onnx"]),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_sherpa_folder_is_known_by_its_files(kind: str, tmp_path: Path) -> None:
    name, files = FOLDERS[kind]
    folder = tmp_path / name
    folder.mkdir()
    tokens = "tiny-tokens.txt" if kind == "whisper" else "tokens.txt"
    for file in [*files, tokens]:
        (folder / file).touch()
    found, named = describe(folder)
    assert found == kind
    assert {Path(path).name for path in named.values()} == {*files[:1], *files[1:], tokens} - {"model.onnx"} | (
        {"model.onnx"} if kind == "nemo_ctc" else set()
    )
    (folder / tokens).unlink()
    with pytest.raises(Exception, match="has no tokens"):
        describe(folder)


def test_sherpa_hears_with_the_model_its_folder_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Offline:
        @classmethod
        def from_nemo_ctc(cls, *, model: str, tokens: str, num_threads: int) -> Any:
            assert Path(model).is_file()
            return cls()

        def create_stream(self) -> Any:
            return SimpleNamespace(accept_waveform=lambda rate, sound: None, result=SimpleNamespace(text=" hello "))

        def decode_stream(self, stream: Any) -> None: ...

    double = ModuleType("sherpa_onnx")
    double.OfflineRecognizer = Offline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sherpa_onnx", double)
    for file in ("model.onnx", "tokens.txt"):
        (tmp_path / file).touch()
    assert heard("asr.sherpa_onnx", model=str(tmp_path)) == (["hello"], [])

"""Voices that run here: espeak-ng for real; those of optional packages with the package's place taken by a double."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.graphs import joined, running, sink
from tests.nodes.agent.talk import got, until
from tests.nodes.tts.test_speaker import Texts
from vaidol.graph.frames import F32, Audio
from vaidol.graph.scheduler import Graph
from vaidol.nodes.tts.sherpa_onnx import describe

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def speak(kind: str, *speech: str, cut: bool = False, **settings: Any) -> tuple[F32, list[tuple[str, str]]]:
    """The sound of one reply, and the errors."""

    async def main() -> tuple[F32, list[tuple[str, str]]]:
        nodes = {"texts": Texts, "voice": (kind, settings), "end": sink(Audio)}
        async with running(nodes, ["texts.text -> voice.text", "voice.audio -> end.in"]) as graph:
            await until(lambda: graph.cells["voice"].state != "loading")
            if not errors(graph):
                await say(graph)
            return joined(got(graph)), errors(graph)  # type: ignore[arg-type]

    async def say(graph: Graph) -> None:
        gen = graph.node("texts").say(*speech)
        if cut:
            await until(lambda: got(graph))
            graph.fence.cut("barge-in")
        else:
            await until(lambda: any(frame.final for frame in got(graph, gen)))

    return asyncio.run(main())


def errors(graph: Graph) -> list[tuple[str, str]]:
    return [(event.code, event.text) for event in graph.events if event.name == "error"]


@needs_espeak
def test_espeak_speaks_and_its_settings_count() -> None:
    plain, none = speak("tts.espeak", "Hello there, how are you?")
    fast, _ = speak("tts.espeak", "Hello there, how are you?", voice="de", speed=320)
    assert none == []
    assert 0.8 * 22_050 < len(plain) < 4 * 22_050
    assert np.abs(plain).max() > 0.2
    assert len(fast) < 0.8 * len(plain)


@needs_espeak
def test_espeak_names_a_voice_it_has_not_when_the_call_begins_and_dies_with_a_cut() -> None:
    _, [(code, told)] = speak("tts.espeak", "Hello.", voice="nosuch")
    assert code == "bad_voice"
    assert told.startswith("espeak-ng has no voice 'nosuch'; there are: af, am, ")
    _, none = speak("tts.espeak", "word " * 3000, cut=True)
    assert none == []


def test_espeak_that_is_not_there_is_told_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    _, [(code, told)] = speak("tts.espeak", "Hello.")
    assert (code, told) == ("missing", "espeak-ng is not installed: apt install espeak-ng, or brew install espeak-ng")


TONE: F32 = (0.5 * np.sin(np.arange(22_050) * 2 * np.pi * 440 / 22_050)).astype(np.float32)


class PiperDouble(ModuleType):
    """As much of the package `piper` as is used: two speakers, one second of a tone per sentence."""

    class SynthesisConfig(SimpleNamespace):
        pass

    class PiperVoice:
        config = SimpleNamespace(num_speakers=2, speaker_id_map={"anna": 0, "bert": 1})

        @classmethod
        def load(cls, path: Path) -> Any:
            if path.read_text() == "broken":
                raise ValueError("not an ONNX file")
            return cls()

        def synthesize(self, text: str, how: Any) -> Any:
            if "burst" in text:
                raise RuntimeError("a shape is wrong")
            tone = TONE[: int(len(TONE) * how.length_scale)] * (0.5 if how.speaker_id == 1 else 1)
            for half in np.array_split(tone, 2):
                yield SimpleNamespace(audio_float_array=half, sample_rate=22_050)


@pytest.fixture
def voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Piper voice as a file, and a package that can play it."""
    monkeypatch.setitem(sys.modules, "piper", PiperDouble("piper"))
    (tmp_path / "joe.onnx").write_text("weights")
    (tmp_path / "joe.onnx.json").write_text("{}")
    return tmp_path / "joe.onnx"


def test_piper_speaks_at_24_khz_with_the_speaker_and_tempo_asked_for(voice: Path) -> None:
    sound, none = speak("tts.piper", "Hello.", voice=str(voice), speaker="bert", speed=2)
    assert none == []
    assert len(sound) == pytest.approx(12_000, abs=50)
    assert np.abs(sound).max() == pytest.approx(0.25, abs=0.02)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.argmax(spectrum) * 24_000 / len(sound) == pytest.approx(440, abs=3)


@pytest.mark.parametrize(
    ("settings", "code", "told"),
    [
        ({"speaker": "zoe"}, "bad_voice", "the Piper voice has no speaker 'zoe'; there are: anna, bert"),
        ({"speaker": "7"}, "bad_voice", "the Piper voice has no speaker '7'; there are: anna, bert"),
        ({"voice": "/no/such.onnx"}, "model", "the Piper voice is not there: '/no/such.onnx'"),
    ],
)
def test_a_voice_that_is_not_there_is_told_when_it_loads(
    voice: Path, settings: dict[str, str], code: str, told: str
) -> None:
    assert speak("tts.piper", "Hello.", **{"voice": str(voice), **settings})[1] == [(code, told)]


def test_a_broken_voice_and_a_sentence_that_fails_are_told(voice: Path) -> None:
    sound, told = speak("tts.piper", "burst", "Hello.", voice=str(voice))
    assert told == [("model", "Piper could not speak a sentence: a shape is wrong")]
    assert len(sound) == pytest.approx(24_000, abs=50)
    voice.write_text("broken")
    assert speak("tts.piper", "x", voice=str(voice))[1] == [
        ("model", "Piper could not load its voice: not an ONNX file")
    ]


@pytest.mark.parametrize(
    ("kind", "package", "extra", "settings"),
    [
        ("tts.piper", "piper", "piper", {"voice": "x.onnx"}),
        ("tts.kokoro", "kokoro_onnx", "kokoro", {"model": "x", "voices": "y"}),
        ("tts.sherpa_onnx", "sherpa_onnx", "sherpa", {"model": "x"}),
    ],
)
def test_a_missing_package_is_told_with_the_way_to_get_it(
    kind: str, package: str, extra: str, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    [(code, told)] = speak(kind, "Hello.", **settings)[1]
    assert code == "missing"
    assert told.endswith(f"needs more packages: pip install 'vaidol[{extra}]'")


def test_kokoro_names_its_voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Kokoro:
        @classmethod
        def from_session(cls, session: object, voices: str) -> Kokoro:
            assert session == (tmp_path, 2)
            return cls()

        def get_voices(self) -> list[str]:
            return ["af_heart", "am_adam"]

        def create(self, text: str, *, voice: str, speed: float, lang: str) -> tuple[F32, int]:
            assert (voice, speed, lang) == ("am_adam", 1.0, "en-us")
            return TONE, 24_000

    double = ModuleType("kokoro_onnx")
    double.Kokoro = Kokoro  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kokoro_onnx", double)
    monkeypatch.setattr("vaidol.models.onnx.open_onnx", lambda path, *, threads: (path, threads))
    files = {"model": str(tmp_path), "voices": str(tmp_path), "threads": 2}
    sound, none = speak("tts.kokoro", "Hello.", voice="am_adam", **files)
    assert (none, len(sound)) == ([], len(TONE))
    [(code, told)] = speak("tts.kokoro", "Hello.", voice="zoe", **files)[1]
    assert (code, told) == ("bad_voice", "Kokoro has no voice 'zoe'; there are: af_heart, am_adam")


@pytest.mark.parametrize(
    ("kind", "names", "wanted"),
    [
        ("vits", ["en_US-joe.onnx", "tokens.txt", "espeak-ng-data/"], {"model", "tokens", "data_dir", "lexicon"}),
        ("matcha", ["model-steps-3.onnx", "vocos.onnx", "tokens.txt"], {"acoustic_model", "vocoder", "tokens"}),
        ("kokoro", ["model.int8.onnx", "model.onnx", "voices.bin", "tokens.txt", "lexicon-us.txt"], {"voices"}),
    ],
)
def test_a_sherpa_folder_is_known_by_its_files(kind: str, names: list[str], wanted: set[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    found, files = describe(tmp_path)
    assert found == kind
    assert wanted <= set(files)
    assert all(Path(path).exists() for paths in files.values() if paths for path in paths.split(","))
    assert "int8" in files.get("model", "int8") or kind != "kokoro"
    (tmp_path / "tokens.txt").unlink()
    with pytest.raises(Exception, match="has no tokens"):
        describe(tmp_path)

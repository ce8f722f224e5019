"""Providers that run here: how well and how quickly they hear, think and speak; what the cache of speech saves; what
the memory of earlier talks finds.

PIPER_VOICE, KOKORO_MODEL and KOKORO_VOICES, VOSK_MODEL, SHERPA_ASR, LLM_URL add those of the user.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from vaidol import nodes
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio, Frame, Sentence, TextDelta, Transcript, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.nodes import registry
from vaidol.server.providers import providers
from vaidol.tests.bench import _personas as personas
from vaidol.tests.bench import _speech as speech
from vaidol.tests.bench._learned import learned
from vaidol.tests.bench._recalls import recalls

SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "What would you like to eat for breakfast tomorrow?",
    "There are three big windows in the old kitchen.",
    "My brother plays the piano every evening.",
    "It is going to rain later in the afternoon.",
    "Please tell me a short story about a little dog.",
)
LIMIT_S = 120.0


class _Hand(Node[Settings]):
    """Puts in what the bench hands over, as replies of their own."""

    outputs = (Port("sentence", Sentence), Port("sound", Utterance, source=True), Port("user", Transcript, source=True))
    replies = True

    def put(self, port: str, kind: type[Frame], **what: Any) -> int:
        gen = self.ctx.fence.begin(self.ctx.fence.newest + 1)
        frame = kind(final=True, gen=gen, trace=gen, **what)
        self.ctx.spawn(self._put(port, frame), gen=gen)
        return gen

    async def _put(self, port: str, frame: Frame) -> None:
        await self.send(port, frame)


def _eye(frame: type[Frame]) -> type[Node[Any]]:
    class Eye(Node[Settings]):
        """Notes what comes, and when."""

        inputs = (Port("in", frame),)

        def process(self, port: str, frame: Frame) -> None:
            self.__dict__.setdefault("got", []).append((time.perf_counter(), frame))

    return Eye


class _Bench:
    """One provider between a hand and an eye."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    async def ask(self, port: str, kind: type[Frame], **what: Any) -> tuple[float, list[tuple[float, Frame]]]:
        """When it was asked, and all of its answer with times."""
        began = time.perf_counter()
        gen = self.graph.node("hand").put(port, kind, **what)  # type: ignore[attr-defined]
        while True:
            got = [(at, f) for at, f in self.graph.node("eye").__dict__.get("got", []) if f.gen == gen]
            if got and got[-1][1].final:
                self.graph.fence.played_out(gen)
                return began, got
            assert time.perf_counter() < began + LIMIT_S, [e.text for e in self.graph.events if e.name == "error"]
            await asyncio.sleep(0.002)


async def _with(kind: str, settings: dict[str, Any], ports: tuple[str, str, str], frame: type[Frame], do: Any) -> Any:
    """Run `do` beside a graph of one provider; ports: of the hand, into and out of the provider."""
    kinds = Registry("vaidol.nodes", extra={"bench.hand": _Hand, "bench.eye": _eye(frame)})
    nodes = {"hand": {"use": "bench.hand"}, "it": {"use": kind, "with": settings}, "eye": {"use": "bench.eye"}}
    edges = [f"hand.{ports[0]} -> it.{ports[1]}", f"it.{ports[2]} -> eye.in"]
    spec = {"version": 1, "name": "bench", "nodes": nodes, "edges": edges, "turn": {"first_audio_ms": 600_000}}
    engine = Engine(kinds)
    try:
        async with Graph(compile_plan(from_dict(spec), kinds), engine) as graph:
            return await do(_Bench(graph))
    finally:
        engine.close()


async def _speaks(bench: _Bench, sentences: tuple[str, ...]) -> dict[str, float]:
    first, ratio = [], []
    await bench.ask("sentence", Sentence, text="Warm up.", speech="Warm up.")
    for text in sentences:
        began, got = await bench.ask("sentence", Sentence, text=text, speech=text)
        sound = [(at, f) for at, f in got if isinstance(f, Audio) and len(f.samples)]
        seconds = sum(f.ms for _, f in sound) / 1000
        first.append(sound[0][0] - began)
        ratio.append((sound[-1][0] - began) / seconds)
    began, got = await bench.ask("sentence", Sentence, text=sentences[0], speech=sentences[0])
    again = next(at for at, f in got if isinstance(f, Audio) and len(f.samples)) - began
    return {
        "first audio ms": 1e3 * statistics.median(first), "RTF": statistics.median(ratio),
        "again from the cache ms": 1e3 * again,
    }  # fmt: skip


async def _hears(bench: _Bench, sentences: tuple[str, ...]) -> dict[str, float]:
    wrong = said = 0
    took, seconds = [], []
    for text in ("Good morning.", *sentences):
        samples = np.concatenate([np.zeros(12_000, np.float32), speech.say(text), np.zeros(12_000, np.float32)])
        began, got = await bench.ask("sound", Utterance, samples=samples, rate=speech.RATE)
        took.append(got[-1][0] - began)
        seconds.append(len(samples) / speech.RATE)
        heard = got[-1][1]
        assert isinstance(heard, Transcript)
        wrong += _distance(speech.words(text), speech.words(heard.text))
        said += len(speech.words(text))
    ratio = statistics.median(t / s for t, s in zip(took[1:], seconds[1:], strict=True))
    return {"WER": wrong / said, "RTF": ratio, "ms": 1e3 * statistics.median(took[1:])}


async def _thinks(bench: _Bench, questions: tuple[str, ...]) -> dict[str, float]:
    first, pace = [], []
    for text in ("Hello!", *questions):
        began, got = await bench.ask("user", Transcript, text=text)
        words = [(at, f) for at, f in got if isinstance(f, TextDelta) and f.text]
        first.append(words[0][0] - began)
        if len(words) > 2:
            pace.append((len(words) - 1) / (words[-1][0] - words[0][0]))
    return {"first token ms": 1e3 * statistics.median(first[1:]), "tokens/s": statistics.median(pace)}


def _distance(one: list[str], other: list[str]) -> int:
    """Words to change, put in or take out."""
    row = list(range(len(other) + 1))
    for i, word in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, there in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != there))
    return row[-1]


def _chosen() -> dict[str, dict[str, Any]]:
    """The providers that can run here, with their settings."""
    chosen: dict[str, dict[str, Any]] = {"tts.hibari": {}, "asr.faster_whisper": {}, "agent.llama": {}}
    if shutil.which("espeak-ng"):
        chosen["tts.espeak"] = {}
    wanted = {
        "tts.piper": {"voice": "PIPER_VOICE"}, "tts.kokoro": {"model": "KOKORO_MODEL", "voices": "KOKORO_VOICES"},
        "asr.vosk": {"model": "VOSK_MODEL"}, "asr.sherpa_onnx": {"model": "SHERPA_ASR"},
        "agent.openai": {"base_url": "LLM_URL"},
    }  # fmt: skip
    for kind, needs in wanted.items():
        if all(os.environ.get(name) for name in needs.values()):
            chosen[kind] = {setting: os.environ[name] for setting, name in needs.items()}
    if "tts.kokoro" in chosen and "KOKORO_VOICE" in os.environ:
        chosen["tts.kokoro"]["voice"] = os.environ["KOKORO_VOICE"]
    return chosen


def _lengths() -> dict[str, float]:
    """Lines of code per provider."""
    root = Path(nodes.__file__).parent
    lines = [len((root / f"{k.replace('.', '/')}.py").read_text().splitlines()) for k in providers(registry())]
    return {"providers": len(lines), "median lines": statistics.median(lines), "most": max(lines)}


def main(quick: bool) -> dict[str, Any]:
    """The figures by provider."""
    some = SENTENCES[:2] if quick else SENTENCES
    ways: dict[str, tuple[tuple[str, str, str], type[Frame], Any]] = {
        "tts": (("sentence", "text", "audio"), Audio, _speaks),
        "asr": (("sound", "audio", "transcript"), Transcript, _hears),
        "agent": (("user", "user", "text"), TextDelta, _thinks),
    }
    figures: dict[str, Any] = {"code": _lengths(), "memory": recalls(quick), "facts": learned(quick)}
    figures["personas"] = personas.measure(quick)
    for kind, settings in sorted(_chosen().items()):
        ports, frame, way = ways[kind.partition(".")[0]]

        async def do(bench: _Bench, way: Any = way) -> dict[str, float]:
            return dict(await way(bench, some))

        figures[kind] = asyncio.run(_with(kind, settings, ports, frame, do))
    return figures

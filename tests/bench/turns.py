"""Turn-taking on synthesized speech with labelled pauses, with the real models on virtual time, and on noise."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from vaidol.graph.clock import NS, run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio, Sentence, Transcript, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.tests.bench import _speech as speech
from vaidol.tests.bench._noises import noises

F32 = NDArray[np.float32]
RATE, STEP = 16_000, 320
PAUSES_MS = (300, 500, 700, 1000)
COSTS_S = {"asr": 0.12, "turn": 0.05}  # what the models take on an idle machine; virtual time knows nothing of it
AFTER_S = 3.0
SNR_DB = 20.0
# where people stop to think
SPLIT = (
    ("I would like to book a table for", "two people tomorrow evening."),
    ("What is the name of the", "tallest mountain in the world?"),
    ("I was thinking about going to", "the cinema with my brother."),
    ("My favourite food is, um,", "probably spaghetti with tomatoes."),
    ("Can you tell me what the weather", "is going to be like on Sunday?"),
    ("Yesterday I went to the market", "and bought three kilos of apples."),
)
WAYS = {"smart": {"use": "turn.smart"}, "silence": {"use": "turn.silence"}}


def main(quick: bool) -> dict[str, Any]:
    """Keys: cutoffs (pause ms -> share of sentences whose reply sounded within them), delay_after_end_ms_p50 and _p90
    (decision after the last sample of speech), false_bargeins_per_hour, self_interruptions; `_silence`: the same with
    turn.silence."""
    sentences = SPLIT[:2] if quick else SPLIT
    voices = ("espeak en-us", "hibari") if quick else ("espeak en-us", "espeak en-gb", "hibari")
    loaded: dict[str, object] = {}
    found: dict[str, Any] = {}
    for way in WAYS:
        cut: dict[int, list[bool]] = {pause: [] for pause in PAUSES_MS}
        delays: list[float] = []
        for noisy in (False,) if quick else (False, True):
            for voice in voices:
                for sentence in sentences:
                    for pause in PAUSES_MS:
                        sound, end_s = _spoken(voice, sentence, pause, noisy=noisy)
                        early, delay = run_virtual(_conversation(way, sound, end_s, loaded))
                        cut[pause].append(early)
                        delays += [delay] if delay is not None else []
        name = "" if way == "smart" else f"_{way}"
        found[f"cutoffs{name}"] = {str(p): round(sum(cut[p]) / len(cut[p]), 3) for p in PAUSES_MS}
        found[f"delay_after_end_ms_p50{name}"] = round(statistics.median(delays))
        found[f"delay_after_end_ms_p90{name}"] = round(sorted(delays)[int(len(delays) * 0.9)])
    seconds = 20.0 if quick else 120.0
    falls = {name: run_virtual(_noise(sound, loaded)) for name, sound in noises(seconds).items()}
    found["false_bargeins_per_hour"] = round(sum(falls.values()) * 3600 / (seconds * len(falls)), 1)
    found["false_bargeins"] = falls
    found["self_interruptions"] = {
        name: run_virtual(_echo(10.0 if quick else 60.0, edges, loaded))
        for name, edges in (("guarded", [REFERENCE]), ("unguarded", []))
    }
    found["sentences"] = len(delays)
    return found


class Microphone(Node[Settings]):
    """Plays the end `sound` in real time."""

    outputs = (Port("audio", Audio, rate=RATE, dtype="f32", frame_ms=20),)

    async def run(self) -> None:
        """Send 20 ms every 20 ms."""
        sound = self.ctx.end("sound")
        began = self.ctx.clock.s()
        for at in range(0, len(sound) - STEP, STEP):
            await self.ctx.clock.sleep(max(0.0, began + (at + STEP) / RATE - self.ctx.clock.s()))
            self.emit("audio", Audio(samples=sound[at : at + STEP].copy(), rate=RATE, pts=at))


class Echo(Node[Settings]):
    """A microphone that hears the loudspeaker, 150 ms later and 20 dB lower, and a little noise."""

    outputs = (Port("audio", Audio, rate=48_000, dtype="f32", frame_ms=20),)

    async def open(self) -> None:
        self._sound = [np.zeros(960, np.float32)] * 7
        self._chance = np.random.default_rng(1)
        self._pts = 0
        self.ctx.end("call").listener = self._sound.append
        self.ctx.each_tick(self._tick)

    def _tick(self, skipped: int) -> None:
        played = self._sound.pop(0) if self._sound else np.zeros(960, np.float32)
        heard = played * np.float32(0.1) + self._chance.standard_normal(960).astype(np.float32) * np.float32(5e-4)
        self.emit("audio", Audio(samples=heard, rate=48_000, pts=self._pts))
        self._pts += 960


class Replier(Node[Settings]):
    """Begins to sound 250 ms after the words."""

    inputs = (Port("user", Transcript),)
    outputs = (Port("audio", Audio, rate=48_000, dtype="f32"),)
    replies = True

    async def process(self, port: str, frame: Transcript) -> None:
        if frame.final:
            await self.ctx.clock.sleep(0.25)
            tone = np.full(48_000 * 2, 0.1, np.float32)
            sentence = Sentence(text="Yes.", **frame.stamp())
            await self.send(
                "audio", Audio(samples=tone, rate=48_000, of=sentence, sentence_end=True, final=True, **frame.stamp())
            )


class Talker(Node[Settings]):
    """Speaks all the time, the end `voice`; who is interrupted begins again."""

    inputs = (Port("audio", Utterance),)
    outputs = (Port("audio", Audio, rate=48_000, dtype="f32"),)
    replies = True

    def process(self, port: str, frame: Utterance) -> None:
        self.ctx.fence.fail(frame.gen, "not asked")

    async def run(self) -> None:
        """One reply after the other."""
        for count in range(1, 10_000):
            gen = self.ctx.fence.begin(1 << 40 | count)
            voice = self.ctx.end("voice")
            for at in range(0, len(voice), 960):
                if not self.ctx.fence.alive(gen):
                    break
                samples, last = voice[at : at + 960].copy(), at + 960 >= len(voice)
                await self.send("audio", Audio(samples=samples, rate=48_000, gen=gen, final=last))
            while self.ctx.fence.alive(gen):  # it has played to its end
                await self.ctx.clock.sleep(0.02)


async def _conversation(way: str, sound: F32, end_s: float, loaded: dict[str, object]) -> tuple[bool, float | None]:
    """Whether a reply sounded before `end_s`, and when the end of the last turn was decided, ms after it."""
    nodes: dict[str, Any] = {
        "mic": {"use": "x.mic"}, "vad": {"use": "vad.silero", "with": {"hangover_ms": 160}}, "turn": WAYS[way],
        "asr": {"use": "asr.faster_whisper"}, "agent": {"use": "x.agent"}, "out": {"use": "webrtc.out"},
    }  # fmt: skip
    edges: list[Any] = [
        "mic.audio -> vad.audio", "vad.speech -> turn.speech", "vad.audio -> turn.audio", "turn.utterance -> asr.audio",
        "asr.transcript -> agent.user", "agent.audio -> out.audio",
    ]  # fmt: skip
    if way == "smart":
        edges += ["turn.partial -> asr.partial", {"from": "asr.transcript", "to": "turn.transcript", "feedback": True}]
    async with _Running(nodes, edges, sound, loaded) as graph:
        began = graph.clock.s()
        await asyncio.sleep(len(sound) / RATE + 0.5)
        events = [(event.ns / NS - began, event) for event in graph.events]
    spoke = [at for at, event in events if event.name == "turn_spoke"]
    decided = [at for at, e in events if e.name == "mark" and e.code == "endpoint" and at > end_s]
    return any(at < end_s for at in spoke), (decided[0] - end_s) * 1000 if decided else None


async def _noise(sound: F32, loaded: dict[str, object]) -> int:
    """How often `sound` interrupts somebody who speaks all the time."""
    nodes: dict[str, Any] = {
        "mic": {"use": "x.mic"}, "vad": {"use": "vad.silero", "with": {"hangover_ms": 160}}, "turn": WAYS["smart"],
        "agent": {"use": "x.talker"}, "out": {"use": "webrtc.out"},
    }  # fmt: skip
    edges: list[Any] = [
        "mic.audio -> vad.audio", "vad.speech -> turn.speech", "vad.audio -> turn.audio",
        {"from": "turn.utterance", "to": "agent.audio"}, "agent.audio -> out.audio",
    ]  # fmt: skip
    async with _Running(nodes, edges, sound, loaded) as graph:
        await asyncio.sleep(len(sound) / RATE)
        return sum(e.name == "turn_cut" and e.code == "barge-in" for e in graph.events)


REFERENCE = {"from": "out.played", "to": "vad.reference", "feedback": True}


async def _echo(seconds: float, more: list[Any], loaded: dict[str, object]) -> int:
    """How often the avatar pauses because it hears itself, within `seconds` of speaking."""
    nodes: dict[str, Any] = {
        "mic": {"use": "x.echo"}, "vad": {"use": "vad.silero", "with": {"hangover_ms": 160}}, "turn": WAYS["smart"],
        "agent": {"use": "x.talker"}, "out": {"use": "webrtc.out"},
    }  # fmt: skip
    edges: list[Any] = [
        "mic.audio -> vad.audio", "vad.speech -> turn.speech", "vad.audio -> turn.audio",
        {"from": "turn.utterance", "to": "agent.audio"}, "agent.audio -> out.audio", *more,
    ]  # fmt: skip
    story = "Once upon a time there was a small robot. It lived on a hill. Every night it counted the stars."
    voice = soxr.resample(_say("hibari", story), RATE, 48_000).astype(np.float32)
    async with _Running(nodes, edges, voice, loaded) as graph:
        await asyncio.sleep(seconds)
        return sum(event.name == "hold" for event in graph.events)


class _Running:
    """The graph of `nodes` and `edges` around `sound`; models are loaded once."""

    def __init__(self, nodes: dict[str, Any], edges: list[Any], sound: F32, loaded: dict[str, object]) -> None:
        self.nodes, self.edges, self.sound, self.loaded = nodes, edges, sound, loaded

    async def __aenter__(self) -> Graph:
        extra: dict[str, type[Node[Any]]] = {
            "x.mic": Microphone,
            "x.agent": Replier,
            "x.echo": Echo,
            "x.talker": Talker,
        }
        registry = Registry("vaidol.nodes", extra=extra)
        spec = {"version": 1, "name": "turns", "nodes": self.nodes, "edges": self.edges}
        plan = compile_plan(from_dict(spec), registry)
        self.engine = Engine(registry)
        self.engine.costs_s = COSTS_S
        for needs in self.engine.needs(plan).values():
            for need in needs:
                if need.key not in self.loaded:
                    self.loaded[need.key] = need.load(lambda done, step: None)
        self.engine.shared._loaded.update(self.loaded)
        voice = self.sound if "x.echo" in str(self.nodes) else np.full(480_000, 0.1, np.float32)
        ends = {"call": _Nobody(), "sound": self.sound, "voice": voice}
        self.graph = Graph(plan, self.engine, session="turns", ends=ends)
        return await self.graph.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self.graph.__aexit__(*error)
        self.engine.close()


class _Nobody:
    """A call in which nobody listens."""

    def __init__(self) -> None:
        self.listener: Any = None

    def play(self, samples: Any, pts: int) -> None:
        """Only a microphone may hear it."""
        if self.listener is not None:
            self.listener(samples.astype(np.float32) / 32768)


_said: dict[tuple[str, str], F32] = {}


def _spoken(voice: str, sentence: tuple[str, str], pause_ms: int, *, noisy: bool) -> tuple[F32, float]:
    """Both halves with the pause between them, and where speech ends, s."""
    first, second = (_say(voice, half) for half in sentence)
    quiet = np.zeros
    sound = np.concatenate(
        [quiet(RATE // 2), first, quiet(RATE * pause_ms // 1000), second, quiet(int(AFTER_S * RATE))]
    ).astype(np.float32)
    end = RATE // 2 + len(first) + RATE * pause_ms // 1000 + len(second)
    if noisy:
        level = np.sqrt(np.mean(np.square(first))) * 10 ** (-SNR_DB / 20)
        sound += np.random.default_rng(pause_ms).standard_normal(len(sound)).astype(np.float32) * level
    return sound, end / RATE


def _say(voice: str, text: str) -> F32:
    """`text`, from its first to its last loud sample."""
    if (voice, text) not in _said:
        if voice == "hibari":
            from vaidol.models.hibari import Hibari

            sound = soxr.resample(np.concatenate(list(Hibari("heart").stream(text))), 24_000, RATE)
        else:
            sound = soxr.resample(speech.say(text, voice=voice.removeprefix("espeak ")), speech.RATE, RATE)
        loud = np.flatnonzero(np.abs(sound) > 0.01)
        _said[voice, text] = np.ascontiguousarray(sound[loud[0] : loud[-1] + 1], np.float32)
    return _said[voice, text]

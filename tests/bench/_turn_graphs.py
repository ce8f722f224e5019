"""The graphs that `turns` is measured with: a microphone that plays a sound, and an avatar that answers or talks on."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.clock import NS
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio, Sentence, Transcript, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict

F32 = NDArray[np.float32]
RATE, STEP = 16_000, 320
COSTS_S = {"asr": 0.12, "turn": 0.05}  # what the models take on an idle machine; virtual time knows nothing of it
WAYS = {"smart": {"use": "turn.smart"}, "silence": {"use": "turn.silence"}}
VAD = {"use": "vad.silero", "with": {"hangover_ms": 160}}
REFERENCE = {"from": "out.played", "to": "vad.reference", "feedback": True}


@dataclass(frozen=True)
class Heard:
    """What became of one conversation. early: a reply sounded before the speaker was through. delay_ms: when the end of
    the last turn was decided, after it. begun, dropped: replies begun while the turn might be over, and for nothing."""

    early: bool
    delay_ms: float | None
    begun: int
    dropped: int


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


async def conversation(way: str, sound: F32, end_s: float, loaded: dict[str, object]) -> Heard:
    """Play `sound`, in which speech ends at `end_s`."""
    nodes: dict[str, Any] = {
        "mic": {"use": "x.mic"}, "vad": VAD, "turn": WAYS[way],
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
    begun = sum(e.name == "turn_begin" and e.code == "speculative" for _, e in events)
    dropped = sum(e.name == "turn_cut" and e.code == "abandoned" for _, e in events)
    late = (decided[0] - end_s) * 1000 if decided else None
    return Heard(any(at < end_s for at in spoke), late, begun, dropped)


async def noise(sound: F32, loaded: dict[str, object]) -> int:
    """How often `sound` interrupts somebody who speaks all the time."""
    nodes: dict[str, Any] = {
        "mic": {"use": "x.mic"}, "vad": VAD, "turn": WAYS["smart"],
        "agent": {"use": "x.talker"}, "out": {"use": "webrtc.out"},
    }  # fmt: skip
    edges: list[Any] = [
        "mic.audio -> vad.audio", "vad.speech -> turn.speech", "vad.audio -> turn.audio",
        {"from": "turn.utterance", "to": "agent.audio"}, "agent.audio -> out.audio",
    ]  # fmt: skip
    async with _Running(nodes, edges, sound, loaded) as graph:
        await asyncio.sleep(len(sound) / RATE)
        return sum(e.name == "turn_cut" and e.code == "barge-in" for e in graph.events)


async def echo(seconds: float, voice: F32, more: list[Any], loaded: dict[str, object]) -> int:
    """How often the avatar pauses because it hears itself, within `seconds` of speaking."""
    nodes: dict[str, Any] = {
        "mic": {"use": "x.echo"}, "vad": VAD, "turn": WAYS["smart"],
        "agent": {"use": "x.talker"}, "out": {"use": "webrtc.out"},
    }  # fmt: skip
    edges: list[Any] = [
        "mic.audio -> vad.audio", "vad.speech -> turn.speech", "vad.audio -> turn.audio",
        {"from": "turn.utterance", "to": "agent.audio"}, "agent.audio -> out.audio", *more,
    ]  # fmt: skip
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
                    self.loaded[need.key] = Remembering(need.load(lambda done, step: None))
        self.engine.shared._loaded.update(self.loaded)
        voice = self.sound if "x.echo" in str(self.nodes) else np.full(480_000, 0.1, np.float32)
        ends = {"call": _Nobody(), "sound": self.sound, "voice": voice}
        self.graph = Graph(plan, self.engine, session="turns", ends=ends)
        return await self.graph.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self.graph.__aexit__(*error)
        self.engine.close()


class Remembering:
    """A model that is asked once for the same sound: a pause that is longer does not change what was said before it."""

    def __init__(self, model: Any) -> None:
        self._model, self._known = model, dict[tuple[str, bytes, str], Any]()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if name not in ("transcribe", "finished"):
            return found

        def asked(samples: F32, **how: Any) -> Any:
            key = (name, hashlib.sha256(samples.tobytes()).digest(), str(how))
            if key not in self._known:
                self._known[key] = found(samples, **how)
            return self._known[key]

        return asked


class _Nobody:
    """A call in which nobody listens."""

    def __init__(self) -> None:
        self.listener: Any = None

    def play(self, samples: Any, pts: int) -> None:
        """Only a microphone may hear it."""
        if self.listener is not None:
            self.listener(samples.astype(np.float32) / 32768)

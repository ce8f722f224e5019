"""Node kinds and small graphs for tests of swaps: sound through a filter, and replies from an agent and a voice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from pydantic import SecretStr

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.ends import ENDS
from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Audio, Sentence, TextDelta, Transcript
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.plan import Plan
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.tests.graph.flows import balanced, seqs


class Gain(Settings):
    gain: float = 1
    """Factor."""
    open_s: float = 0
    """How long opening takes, s."""
    breaks: str = ""
    """Where it fails: "open", "work"; "warm": a task of its own, soon after opening."""


class Mic(Node[Settings]):
    """20 ms of sound every 20 ms."""

    outputs = (Port("audio", Audio, rate=16_000, dtype="f32"),)
    sound = np.zeros(320, np.float32)

    async def run(self) -> None:
        seq = 0
        while True:
            self.emit("audio", Audio(samples=self.sound, seq=seq, pts=seq * 320))
            seq += 1
            await self.ctx.clock.sleep(0.02)


class Dsp(Node[Gain]):
    """Hands sound on, and counts."""

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)
    carries = ("count",)
    closed = 0

    def __init__(self, settings: Gain, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.count = 0

    async def open(self) -> None:
        await self.ctx.clock.sleep(self.settings.open_s)
        if self.settings.breaks == "open":
            raise ProviderError("the model is broken")
        if self.settings.breaks == "warm":
            self.ctx.spawn(self._die())

    async def _die(self) -> None:
        raise ProviderError("died while warming")

    def process(self, port: str, frame: Audio) -> Any:
        if self.settings.breaks == "work":
            raise ProviderError("cannot work")
        self.count += 1
        self.emit("audio", Audio(samples=frame.samples * self.settings.gain, seq=frame.seq, pts=frame.pts))

    async def close(self) -> None:
        type(self).closed += 1


class SlowDsp(Dsp):
    """The same from a mailbox, 5 ms per frame."""

    async def process(self, port: str, frame: Audio) -> None:
        await self.ctx.clock.sleep(0.005)
        super().process(port, frame)


class Ear(Node[Settings]):
    """Keeps what it hears."""

    inputs = (Port("audio", Audio, many=True),)

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.heard: list[Audio] = []

    def process(self, port: str, frame: Audio) -> None:
        self.heard.append(frame)


class User(Node[Settings]):
    """Says what a test tells it to."""

    outputs = (Port("text", Transcript),)

    def say(self, text: str) -> int:
        gen = self.ctx.fence.begin(1)
        self.emit("text", Transcript(text=text, final=True, gen=gen, trace=1))
        return gen


class Agent(Node[Gain]):
    """Ten words, one every 50 ms; remembers what it was told."""

    inputs = (Port("user", Transcript),)
    outputs = (Port("text", TextDelta),)
    replies = True
    carries = ("told",)

    def __init__(self, settings: Gain, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.told: list[str] = []

    async def process(self, port: str, frame: Transcript) -> None:
        self.told.append(frame.text)
        for i in range(10):
            await self.ctx.clock.sleep(0.05)
            await self.send("text", TextDelta(text=f"w{i} ", seq=i, **frame.stamp()))
        await self.send("text", TextDelta(final=True, **frame.stamp()))


class Voice(Node[Gain]):
    """200 ms per piece of text; the sound's sequence number is the gain of its maker."""

    inputs = (Port("text", TextDelta),)
    outputs = (Port("audio", Audio, rate=48_000, dtype="f32"),)

    async def process(self, port: str, frame: TextDelta) -> None:
        await self.ctx.clock.sleep(0.1)
        if self.settings.breaks == "work":
            raise ProviderError("cannot speak")
        of = Sentence(text=frame.text, **frame.stamp())
        self.emit("audio", Audio(rate=48_000, seq=int(self.settings.gain), of=of, final=frame.final, **frame.stamp()))


class Out(Node[Settings]):
    """Ends each reply when its last sound has come."""

    inputs = (Port("audio", Audio),)

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.heard: list[Audio] = []

    def process(self, port: str, frame: Audio) -> None:
        self.heard.append(frame)
        self.ctx.fence.spoke(frame.gen)
        if frame.final:
            self.ctx.fence.played_out(frame.gen)


class Keyed(Settings):
    key: SecretStr = SecretStr("")
    """A secret."""


class Blabber(Node[Keyed]):
    """Tells its secret."""

    outputs = (Port("text", Transcript),)

    async def open(self) -> None:
        self.ctx.trouble(f"cannot use {self.settings.key.get_secret_value()}")


KINDS: dict[str, type[Node[Any]]] = {
    "s.mic": Mic, "s.dsp": Dsp, "s.slow": SlowDsp, "s.ear": Ear, "s.user": User, "s.agent": Agent, "s.voice": Voice,
    "s.out": Out, "s.blab": Blabber,
}  # fmt: skip
REGISTRY = Registry("vaidol.nodes", extra={**KINDS, **ENDS})


def live(use: str = "s.dsp", **settings: Any) -> dict[str, Any]:
    return {
        "version": 1, "name": "live",
        "nodes": {"mic": {"use": "s.mic"}, "dsp": {"use": use, "with": settings}, "ear": {"use": "s.ear"}},
        "edges": ["mic.audio -> dsp.audio", "dsp.audio -> ear.audio"],
    }  # fmt: skip


def talk(voice: dict[str, Any] | None = None, agent: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "version": 1, "name": "talk",
        "nodes": {
            "user": {"use": "s.user"}, "agent": {"use": "s.agent", "with": agent or {}},
            "voice": {"use": "s.voice", "with": voice or {}}, "out": {"use": "s.out"},
        },
        "edges": ["user.text -> agent.user", "agent.text -> voice.text", "voice.audio -> out.audio"],
    }  # fmt: skip


def plan(spec: dict[str, Any]) -> Plan:
    return compile_plan(from_dict(spec), REGISTRY)


def during(spec: dict[str, Any], do: Callable[[Graph], Awaitable[Any]]) -> Graph:
    """Run the graph of `spec` on virtual time while `do` runs."""

    async def main() -> Graph:
        engine = Engine(REGISTRY)
        async with Graph(plan(spec), engine, session="s") as graph:
            await do(graph)
            balanced(graph)
        engine.close()
        return graph

    return run_virtual(main())


def in_order(frames: list[Audio]) -> None:
    assert seqs(frames) == list(range(len(frames)))

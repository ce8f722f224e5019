"""Node kinds for tests of the engine: sources, pass-throughs, sinks, and nodes that fail in every way."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaidol.graph.frames import Audio, Frame, Sentence, Speech, TextDelta, Transcript
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry

SOUND = np.zeros(320, np.float32)


class Count(Settings):
    """How much to send, and how often."""

    frames: int = 5
    """Frames to send."""
    every_ms: float = 20
    """Time between two frames, ms."""


class Level(Settings):
    """A gain."""

    gain: float = 1
    """Factor on every sample."""


class Mic(Node[Count]):
    """t.mic: sends silence on time.  -> audio (Audio, 16 kHz)"""

    outputs = (Port("audio", Audio, rate=16_000, dtype="f32"),)

    async def run(self) -> None:
        for i in range(self.settings.frames):
            await self.ctx.clock.sleep(self.settings.every_ms / 1000)
            self.emit("audio", Audio(samples=SOUND, seq=i, pts=i * 320))


class Through(Node[Level]):
    """t.through: hands audio on at once."""

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)

    def process(self, port: str, frame: Frame) -> None:
        self.emit("audio", frame)


class AsyncThrough(Node[Level]):
    """t.athrough: hands audio on from a mailbox."""

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)

    async def process(self, port: str, frame: Frame) -> None:
        self.emit("audio", frame)


class Ear(Node[Settings]):
    """t.ear: keeps what it hears."""

    inputs = (Port("audio", Audio, many=True),)

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.heard: list[tuple[int, Frame]] = []

    def process(self, port: str, frame: Frame) -> None:
        self.heard.append((self.ctx.clock.ns(), frame))


class Ear16(Ear):
    """t.ear16: takes 16 kHz int16 in frames of 30 ms only."""

    inputs = (Port("audio", Audio, rate=16_000, dtype="i16", frame_ms=30),)


class Speaker(Node[Settings]):
    """t.speaker: a listener's end that needs 48 kHz."""

    inputs = (Port("audio", Audio, rate=48_000),)
    outputs = (Port("played", Audio, rate=48_000),)
    paces = True


class Asr(Node[Settings]):
    """t.asr: audio in, transcripts out."""

    inputs = (Port("audio", Audio), Port("speech", Speech, optional=True))
    outputs = (Port("text", Transcript),)


class Agent(Node[Settings]):
    """t.agent: transcripts in, reply text out."""

    inputs = (Port("user", Transcript, many=True), Port("heard", Audio, optional=True))
    outputs = (Port("text", TextDelta),)
    replies = True


class Voice(Node[Settings]):
    """t.voice: reply text in, sound out."""

    inputs = (Port("text", TextDelta),)
    outputs = (Port("audio", Audio, rate=24_000, dtype="f32"), Port("said", Sentence))


KINDS: dict[str, type[Node[Any]]] = {
    "t.mic": Mic,
    "t.through": Through,
    "t.athrough": AsyncThrough,
    "t.ear": Ear,
    "t.ear16": Ear16,
    "t.speaker": Speaker,
    "t.asr": Asr,
    "t.agent": Agent,
    "t.voice": Voice,
}


def registry(**more: type[Node[Any]]) -> Registry:
    """The kinds above as `t.…`, those in `more` as `x.…`, and the real ones."""
    return Registry("vaidol.nodes", extra={**KINDS, **{f"x.{name}": kind for name, kind in more.items()}})

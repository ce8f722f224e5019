"""A server with a session that needs no call, and a viewer of its feed, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient
from pydantic import SecretStr

from vaidol.graph.frames import Audio, Frame, Sentence, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.server.app import SERVER, Options
from vaidol.server.inspector.sounds import HEAD
from vaidol.tests.server.client import call, serving

SECRET = "hunter2-is-my-key"


class ChatterSettings(Settings):
    """How it talks."""

    api_key: SecretStr = SecretStr("")
    """Opens the door."""
    base_url: str = "http://anna:pass-word@example.test/v1"
    """Where the door is."""
    volume: float = 0.5
    """Loudness, 0 to 1."""


class Chatter(Node[ChatterSettings]):
    """t.chatter: talks without end.

    audio (Audio, 48 kHz) -> words (Transcript), sound (Audio, 16 kHz), said (Sentence)
    """

    inputs = (Port("audio", Audio, rate=48_000),)
    outputs = (Port("words", Transcript), Port("sound", Audio, rate=16_000, dtype="f32"), Port("said", Sentence))

    def process(self, port: str, frame: Audio) -> None:
        at = self.__dict__.setdefault("at", 0)
        self.__dict__["at"] += 320
        wave = self.settings.volume * np.sin(2 * np.pi * 1000 * np.arange(at, at + 320) / 16_000)
        self.emit("sound", Audio(samples=wave.astype(np.float32), rate=16_000, pts=at))
        self.emit("words", Transcript(text=f"word {at} {SECRET}", seq=at // 320))
        self.emit("said", Sentence(text="Hello."))


class Ear(Node[Settings]):
    """t.ear: takes anything."""

    inputs = (
        Port("words", Transcript, optional=True), Port("sound", Audio, optional=True),
        Port("said", Sentence, optional=True),
    )  # fmt: skip

    def process(self, port: str, frame: Frame) -> None:
        """Nothing."""


PIPELINE: dict[str, Any] = {
    "version": 1,
    "name": "watched",
    "nodes": {
        "mic": {"use": "webrtc.in"},
        "chatter": {"use": "t.chatter", "with": {"api_key": SECRET}},
        "ear": {"use": "t.ear"},
        "out": {"use": "webrtc.out"},
        "page": {"use": "webrtc.data"},
    },
    "edges": [
        "mic.audio -> out.audio, chatter.audio",
        "chatter.words -> ear.words",
        "chatter.sound -> ear.sound",
        "chatter.said -> ear.said",
        "out.spoken -> page.spoken",
    ],
}
SOUND_EDGE, WORDS_EDGE = "chatter.sound -> ear.sound", "chatter.words -> ear.words"


class Viewer:
    """One inspector: what it was told, by kind of message."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.told: list[dict[str, Any]] = []
        self.sounds: list[tuple[Any, ...]] = []
        self.raw: list[str] = []

    async def send(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def until(self, true: Callable[[], Any], what: str = "it") -> Any:
        """Read on until `true()` gives something."""
        async with asyncio.timeout(15):
            while not (found := true()):
                message = await self.socket.receive()
                if message.type is WSMsgType.TEXT:
                    self.raw.append(message.data)
                    beat = json.loads(message.data)
                    self.told += beat["news"]
                    await self.send(t="seen", n=beat["n"])
                elif message.type is WSMsgType.BINARY:
                    head = HEAD.unpack_from(message.data)
                    self.sounds.append((*head, message.data[HEAD.size :]))
                else:
                    raise AssertionError(f"closed while waiting for {what}: {message}")
        return found

    def find(self, kind: str, **fields: Any) -> dict[str, Any] | None:
        wanted = {"t": kind, **fields}.items()
        return next((one for one in self.told if wanted <= one.items()), None)

    async def message(self, kind: str, **fields: Any) -> dict[str, Any]:
        found: dict[str, Any] = await self.until(lambda: self.find(kind, **fields), f"{kind} {fields}")
        return found

    async def watch(self) -> str:
        """Watch the first session; its id."""
        first: str = await self.until(
            lambda: next((m["sessions"][0]["id"] for m in self.told if m["t"] == "sessions" and m["sessions"]), None)
        )
        await self.send(t="watch", session=first)
        await self.message("plan")
        return first


@contextlib.asynccontextmanager
async def watched(options: Options | None = None) -> AsyncIterator[TestClient[Any, Any]]:
    """A server with one call under way."""
    kinds = Registry("vaidol.nodes", extra={"t.chatter": Chatter, "t.ear": Ear})
    async with serving(PIPELINE, options, kinds) as client:
        caller = await call(client)
        server = client.app[SERVER]  # type: ignore[index]
        await caller.until(lambda: all(s.graph is not None for s in server.sessions))
        try:
            yield client
        finally:
            await caller.close()


@contextlib.asynccontextmanager
async def viewing(client: TestClient[Any, Any], **how: Any) -> AsyncIterator[Viewer]:
    async with client.ws_connect("/api/inspect", **how) as socket:
        yield Viewer(socket)

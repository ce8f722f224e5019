"""A client of `/client-ws` inside the test, and a pipeline whose agent says what it is told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from aiohttp import ClientWebSocketResponse
from aiohttp.test_utils import TestClient

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Audio, Transcript, Utterance
from vaidol.graph.node import Need, Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.nodes.agent._chat import ChatAgent, ChatSettings
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.tts._speaker import Speaker
from vaidol.tests.server.client import serving

DEADLINE_S = 20.0


class Ear(Node[Settings]):
    """Tells how long an utterance was, in tenths of a second."""

    inputs = (Port("audio", Utterance, rate=16_000),)
    outputs = (Port("transcript", Transcript),)
    says = "{} tenths"

    def process(self, port: str, frame: Utterance) -> None:
        text = self.says.format(round(len(frame.samples) / 1600))
        self.emit("transcript", Transcript(text=text, final=True, **frame.stamp()))


class Late(Node[Settings]):
    """Needs something that loads when the test says so."""

    inputs = (Port("audio", Audio),)
    may_load = threading.Event()

    @classmethod
    def needs(cls, settings: Settings) -> tuple[Need, ...]:
        return (Need("late", "a slow model", lambda _: cls.may_load.wait(20)),)

    def process(self, port: str, frame: Audio) -> None:
        """Nothing: it is there for what it needs."""


class Parrot(ChatAgent[ChatSettings]):
    """Says what it is told; "fail" fails it, "long" makes it talk for long."""

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        said = messages[-1]["content"]
        if said.endswith("fail"):
            raise ProviderError("the parrot is ill")
        yield f"[joy] You said {said}. "
        yield "And so on and on. " * 20 if said.endswith("long") else "That is all."


class Hum(Speaker[Settings]):
    """30 ms of sound for every character."""

    rate = 24_000

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        t = np.arange(len(text) * self.rate * 3 // 100) / self.rate
        yield (0.3 * np.sin(2 * np.pi * 220 * t)).astype(np.float32)


KINDS = Registry("vaidol.nodes", extra={"t.ear": Ear, "t.parrot": Parrot, "t.hum": Hum, "t.late": Late})
PIPELINE: dict[str, Any] = {
    "version": 1,
    "name": "parrot",
    "nodes": {
        "mic": {"use": "webrtc.in"}, "vad": {"use": "vad.silero"}, "turn": {"use": "turn.silence"},
        "asr": {"use": "t.ear"}, "agent": {"use": "t.parrot"}, "sentences": {"use": "text.sentences"},
        "tts": {"use": "t.hum"}, "out": {"use": "webrtc.out"}, "page": {"use": "webrtc.data"},
    },
    "edges": [
        "mic.audio -> vad.audio", "vad.speech -> turn.speech", "vad.audio -> turn.audio", "page.talk -> turn.talk",
        "turn.utterance -> asr.audio", "asr.transcript -> agent.user, page.transcript", "page.text -> agent.user",
        "agent.text -> sentences.text", "sentences.sentence -> tts.text", "tts.audio -> out.audio",
        "out.spoken -> page.spoken", {"from": "out.spoken", "to": "agent.heard", "feedback": True},
    ],
}  # fmt: skip


class Ancestor:
    """A client: what it received, and ways to wait for more."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []

    async def say(self, message: object) -> None:
        await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def until(self, kind: str, **fields: object) -> dict[str, Any]:
        """The next message of this type with these fields."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                message = json.loads(await self.socket.receive_str())
                self.messages.append(message)
                if message["type"] == kind and all(message.get(name) == value for name, value in fields.items()):
                    return dict(message)

    async def chain(self) -> list[str]:
        """The types of everything up to the turn's end, controls by their text."""
        begin = len(self.messages)
        await self.until("control", text="conversation-chain-end")
        return [m["text"] if m["type"] == "control" else m["type"] for m in self.messages[begin:]]


async def loaded(client: TestClient[Any, Any]) -> None:
    for _ in range(1000):
        if (await (await client.get("/health")).json())["status"] != "loading":
            break
        await asyncio.sleep(0.01)


@asynccontextmanager
async def joined(client: TestClient[Any, Any]) -> AsyncIterator[Ancestor]:
    await loaded(client)
    async with client.ws_connect("/client-ws") as socket:
        ancestor = Ancestor(socket)
        await ancestor.until("control", text="start-mic")
        yield ancestor


@asynccontextmanager
async def one(**options: Any) -> AsyncIterator[Ancestor]:
    async with serving(PIPELINE, kinds=KINDS, **options) as client, joined(client) as ancestor:
        yield ancestor


def run(talk: Any) -> None:
    async def main() -> None:
        async with one() as ancestor:
            await talk(ancestor)

    asyncio.run(main())

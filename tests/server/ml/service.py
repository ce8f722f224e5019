"""The ML service on a real loopback socket, with providers that are quick and do as they are told by the text."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import numpy as np
from aiohttp.test_utils import TestClient, TestServer
from openai import AsyncOpenAI

from vaidol.graph.compiler import compile_plan
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Utterance, Word
from vaidol.graph.registry import Registry
from vaidol.graph.spec import from_dict
from vaidol.nodes._provider import Provider
from vaidol.nodes.agent._chat import ChatAgent, ChatSettings
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.asr._listener import Heard, Listener, ListenerSettings
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._speaker import Speaker
from vaidol.server.ml.app import SERVER, MlOptions, MlServer, create_ml_app

PIPELINE: dict[str, Any] = {
    "version": 1,
    "name": "small",
    "nodes": {
        "mic": {"use": "webrtc.in"}, "vad": {"use": "vad.silero"}, "turn": {"use": "turn.silence"},
        "ears": {"use": "asr.count"}, "brain": {"use": "agent.echo"}, "sentences": {"use": "text.sentences"},
        "mouth": {"use": "tts.tones"}, "out": {"use": "webrtc.out"},
    },
    "edges": [
        "mic.audio -> vad.audio", "vad.speech -> turn.speech", "vad.audio -> turn.audio",
        "turn.utterance -> ears.audio", "ears.transcript -> brain.user", "brain.text -> sentences.text",
        "sentences.sentence -> mouth.text", "mouth.audio -> out.audio",
    ],
}  # fmt: skip
RATE = 24_000
LEFT: list[str] = []  # whose work was given up


class TonesSettings(SpeakerSettings):
    voice: str = "low"
    speed: float = 1.0
    filled: str = ""


class Tones(Speaker[TonesSettings]):
    """A tenth of a second for each word; "wait" lasts for ever, "break" fails."""

    provider = Provider("tones", voices=("low", "high"))
    rate = RATE

    async def open(self) -> None:
        self.settings = self.settings.model_copy(update={"filled": "at its opening"})  # as those behind HTTP do

    async def speak(self, text: str) -> AsyncGenerator[F32 | Word, None]:
        assert self.settings.filled
        try:
            for word in text.split():
                if word.startswith("break"):
                    raise ProviderError("the string broke", code="string")
                if word.startswith("wait"):
                    await asyncio.Event().wait()
                hz = 220 if self.settings.voice == "low" else 880
                count = int(RATE / 10 / self.settings.speed)
                yield (0.5 * np.sin(2 * np.pi * hz * np.arange(count) / RATE)).astype(np.float32)
        finally:
            LEFT.append(text)


class CountSettings(ListenerSettings):
    language: str = "en"
    seconds: float = 0.0


class Count(Listener[CountSettings]):
    """Hears how long a sound is."""

    provider = Provider("count")

    async def hear(self, sound: Utterance, *, last: bool) -> Heard:
        if self.settings.seconds:
            await asyncio.sleep(self.settings.seconds)
        loud = bool(np.abs(sound.samples).max(initial=0.0) > 0.01)
        return Heard(f"{len(sound.samples) / sound.rate:.1f} seconds" if loud else "", self.settings.language)


class Echo(ChatAgent[ChatSettings]):
    """Says the last message again, word by word."""

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        words = messages[-1]["content"].split()[: self.settings.max_tokens]
        try:
            for number, word in enumerate(words):
                if word == "wait":
                    await asyncio.Event().wait()
                if word == "break":
                    raise ProviderError("lost the thread", code="thread")
                yield word if not number else f" {word}"
            yield f" ({messages[0]['content'][:9]})" if messages[0]["role"] == "system" else ""
        finally:
            LEFT.append(messages[-1]["content"])


def kinds() -> Registry:
    return Registry("vaidol.nodes", extra={"tts.tones": Tones, "asr.count": Count, "agent.echo": Echo})


@contextlib.asynccontextmanager
async def service(
    options: MlOptions | None = None, pipeline: dict[str, Any] | None = None
) -> AsyncIterator[TestClient[Any, Any]]:
    """Ready; afterwards nothing of it may still run."""
    before, registry = asyncio.all_tasks(), kinds()
    app = create_ml_app(compile_plan(from_dict(pipeline or PIPELINE), registry), registry, options)
    async with TestClient(TestServer(app)) as client:
        async with asyncio.timeout(20):
            while app[SERVER].preload.status != "ok":  # noqa: ASYNC110  # it loads on threads
                await asyncio.sleep(0.01)
        yield client
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() - before if not task.done()]
    assert not left, left


def of(client: TestClient[Any, Any]) -> MlServer:
    return client.app[SERVER]


@contextlib.asynccontextmanager
async def openai(client: TestClient[Any, Any], key: str = "none") -> AsyncIterator[AsyncOpenAI]:
    """The official client."""
    async with AsyncOpenAI(base_url=str(client.make_url("/v1")), api_key=key, max_retries=0) as official:
        yield official

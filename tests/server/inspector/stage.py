"""A server in a thread, with a call that asks and answers by itself, for a browser to look at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field, SecretStr

from vaidol.graph.compiler import compile_plan
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import TextDelta, Transcript, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.spec import from_dict
from vaidol.server.app import SERVER, Options, Server, create_app
from vaidol.tests.server.client import Caller, call
from vaidol.tests.server.inspector.watching import Chatter, Ear

SECRET = "sk-nobody-may-see-this"


class Asker(Node[Settings]):
    """t.asker: a user who asks again and again.  -> utterance (Utterance, 16 kHz)"""

    outputs = (Port("utterance", Utterance),)
    pause_s = 1.6

    async def run(self) -> None:
        trace = 0
        while True:
            await self.ctx.clock.sleep(self.pause_s)
            trace += 1
            self.ctx.mark(trace, "speech_end")
            await self.ctx.clock.sleep(0.15)
            self.ctx.mark(trace, "endpoint")
            gen = self.ctx.fence.begin(trace)
            sound = 0.1 * np.sin(np.arange(16_000) / 5)
            self.emit("utterance", Utterance(samples=sound.astype(np.float32), gen=gen, trace=trace))


class Recogniser(Node[Settings]):
    """t.recogniser: understands a question.  audio (Utterance) -> transcript (Transcript)"""

    inputs = (Port("audio", Utterance),)
    outputs = (Port("transcript", Transcript),)

    async def process(self, port: str, frame: Utterance) -> None:
        await self.ctx.clock.sleep(0.06)
        self.ctx.mark(frame.trace, "asr_done")
        text = f"What is {frame.trace} plus {frame.trace}?"
        self.ctx.events.publish("transcript", node=self.ctx.node, gen=frame.gen, trace=frame.trace, text=text)
        self.emit("transcript", Transcript(text=text, final=True, **frame.stamp()))


class ReplierSettings(Settings):
    api_key: SecretStr = SecretStr("")
    """Opens the door of the model."""
    wait_ms: int = Field(90, ge=0, le=5000)
    """Time to the first word, ms."""
    mood: Literal["calm", "lively"] = "calm"
    """How it answers."""
    polite: bool = True
    """Whether it says please."""
    prompt: str | None = None
    """What it is told before everything else; none = nothing."""
    stop: tuple[str, ...] = ()
    """Words at which it stops."""


class Replier(Node[ReplierSettings]):
    """t.replier: answers with a sum.

    user (Transcript) -> text (TextDelta, word by word)
    """

    inputs = (Port("user", Transcript),)
    outputs = (Port("text", TextDelta),)
    replies = True
    broken = False

    async def process(self, port: str, frame: Transcript) -> None:
        if type(self).broken:
            raise ProviderError(f"the model refuses the key {self.settings.api_key.get_secret_value()}")
        await self.ctx.clock.sleep(self.settings.wait_ms / 1000)
        self.ctx.mark(frame.trace, "first_token")
        for word in f"That is {2 * frame.trace}. ".split(" "):
            await self.send("text", TextDelta(text=f"{word} ", **frame.stamp()))
        self.emit("text", TextDelta.end(frame.gen, frame.trace))


KINDS: dict[str, type[Node[Any]]] = {
    "t.asker": Asker, "t.recogniser": Recogniser, "t.replier": Replier, "t.chatter": Chatter, "t.ear": Ear,
}  # fmt: skip
TALK: dict[str, Any] = {
    "version": 1,
    "name": "talk",
    "nodes": {
        "mic": {"use": "webrtc.in"},
        "asker": {"use": "t.asker"},
        "asr": {"use": "t.recogniser"},
        "agent": {"use": "t.replier", "with": {"api_key": SECRET}},
        "sentences": {"use": "text.sentences"},
        "tts": {"use": "sim.tts", "with": {"first_ms": 40, "character_ms": 30}},
        "out": {"use": "webrtc.out"},
        "lips": {"use": "expression.lipsync"},
        "page": {"use": "webrtc.data"},
        "noise": {"use": "t.chatter"},
        "sink": {"use": "t.ear"},
    },
    "edges": [
        "mic.audio -> noise.audio",
        "noise.words -> sink.words",
        "noise.sound -> sink.sound",
        "asker.utterance -> asr.audio",
        "asr.transcript -> agent.user, page.transcript",
        "agent.text -> sentences.text",
        "sentences.sentence -> tts.text",
        "tts.audio -> out.audio",
        "out.spoken -> page.spoken",
        "out.played -> lips.audio",
        "lips.mouth -> page.mouth",
    ],
}


def wide(nodes: int) -> dict[str, Any]:
    """A pipeline of `nodes` nodes: chains of pass-through nodes side by side behind one microphone."""
    rows = (nodes + 4) // 8
    built: dict[str, Any] = {name: {"use": use} for name, use in
                             {"mic": "webrtc.in", "out": "webrtc.out", "page": "webrtc.data"}.items()}  # fmt: skip
    edges = ["mic.audio -> out.audio", "out.spoken -> page.spoken"]
    for row in range(rows):
        before = "mic.audio"
        for column in range(8):
            if len(built) == nodes:
                break
            name = f"row{row}_{column}"
            built[name] = {"use": "voice.shift", "with": {"pitch": 0}}
            edges.append(f"{before} -> {name}.audio")
            before = f"{name}.audio"
    return {"version": 1, "name": f"{nodes} nodes", "nodes": built, "edges": edges}


@dataclass
class Stage:
    """The server from the test's thread."""

    url: str
    server: Server
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def do(self, call: Callable[[], Any]) -> Any:
        """Run `call` on the server's loop."""

        async def main() -> Any:
            return call()

        return self.run(main())

    @property
    def graph(self) -> Any:
        return next(iter(self.server.sessions)).graph


@contextmanager
def staged(pipeline: dict[str, Any], *, calls: int = 1, options: Options | None = None) -> Iterator[Stage]:
    """`pipeline` served on a real socket in a thread, with `calls` callers."""
    ready: dict[str, Any] = {}
    up, down = threading.Event(), threading.Event()

    async def main() -> None:
        from aiohttp.test_utils import TestClient, TestServer

        kinds = Registry("vaidol.nodes", extra=KINDS)
        app = create_app(compile_plan(from_dict(pipeline), kinds), kinds, options)
        callers: list[Caller] = []
        test_server = TestServer(app)
        async with TestClient(test_server) as client:
            callers.extend([await call(client) for _ in range(calls)])
            server = app[SERVER]
            while any(session.graph is None for session in server.sessions):  # noqa: ASYNC110  # opens in its own time
                await asyncio.sleep(0.02)
            loop = asyncio.get_running_loop()
            ready["stage"] = Stage(f"http://127.0.0.1:{test_server.port}", server, loop)
            up.set()
            while not down.is_set():  # noqa: ASYNC110  # set by another thread
                await asyncio.sleep(0.05)
            for caller in callers:
                await caller.close()

    thread = threading.Thread(target=lambda: _noting(main, ready, up), name="stage")
    thread.start()
    up.wait(60)
    try:
        if "error" in ready:
            raise ready["error"]
        yield ready["stage"]
    finally:
        down.set()
        thread.join(30)


def _noting(main: Callable[[], Coroutine[Any, Any, None]], ready: dict[str, Any], up: threading.Event) -> None:
    try:
        asyncio.run(main())
    except BaseException as error:
        ready["error"] = error
        raise
    finally:
        up.set()

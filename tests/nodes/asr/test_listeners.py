"""What every recognizer behind a network must do, against a local server that speaks its protocol, well and badly."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from tests.graphs import running, sink
from tests.nodes.agent.talk import until
from tests.nodes.asr.deepgram_server import Deepgram
from tests.nodes.azure_server import AzureServer
from tests.nodes.local_server import KEY, Behaviour, Good, LocalServer
from vaidol.graph.frames import F32, Transcript, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.nodes import registry

Scene = Callable[[Graph, LocalServer], Awaitable[None]]
RATE = 16_000
TEXT = "Hello you there."
PLAIN = {"connect_s": 1, "first_s": 10, "stall_s": 10}
SHORT = ({"first_s": 0.3}, {"stall_s": 0.2})  # s; for what never begins, and for what begins
SOUND: F32 = (0.3 * np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE)).astype(np.float32)


class Ear(Node[Settings]):
    """Sends utterances, whole or as far as they are spoken."""

    outputs = (Port("audio", Utterance, source=True), Port("partial", Utterance, source=True))
    said = 0

    def say(self, samples: F32, rate: int = RATE, *, trace: int = 0) -> int:
        """A whole one, as a turn of its own; returns its generation."""
        self.said += 1
        gen = self.ctx.fence.begin(trace or self.said)
        sound = Utterance(samples=samples, rate=rate, gen=gen, trace=trace or self.said, final=True)
        self.emit("audio", sound)
        return gen

    def begin(self, samples: F32, trace: int) -> None:
        self.emit("partial", Utterance(samples=samples, rate=RATE, trace=trace))


@dataclass
class Wire:
    """One provider: where it is asked, and what is wrong with a request ("" = nothing)."""

    path: str
    wants: Callable[[web.Request, dict[str, Any]], str]
    told: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    keyless: bool = False

    def answer(self, request: web.Request, body: bytes) -> Good | str:
        if request.path != self.path:
            return f"asked for {request.path}"
        form = parts(request, body)
        with wave.open(io.BytesIO(form["file"])) as sound:
            if (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) != (RATE, 1, 2):
                return "the WAV is of another kind"
            if abs(sound.getnframes() - RATE) > 100:
                return f"{sound.getnframes()} samples came"
        told = json.dumps(self.told).encode()
        return self.wants(request, form) or Good("application/json", [told[:9], told[9:]])


def parts(request: web.Request, body: bytes) -> dict[str, Any]:
    """A multipart form: texts, and the bytes of the file."""
    mark = b"--" + request.headers["Content-Type"].partition("boundary=")[2].encode()
    found: dict[str, Any] = {}
    for part in body.split(mark)[1:-1]:
        head, _, value = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = head.decode().partition('name="')[2].partition('"')[0]
        found[name] = value if name == "file" else value.decode()
    return found


def has(told: Any, **wanted: Any) -> str:
    return "; ".join(f"{name} is {told.get(name)!r}" for name, value in wanted.items() if told.get(name) != value)


WIRES = {
    "asr.openai": Wire(
        "/v1/audio/transcriptions",
        lambda r, f: (
            has(r.headers, Authorization=f"Bearer {KEY}") + has(f, model="m", language="en", response_format="json")
        ),
        {"text": f" {TEXT} "},
        {"model": "m", "language": "en"},
    ),
    "asr.whisper_cpp": Wire(
        "/inference",
        lambda _, f: has(f, language="auto", response_format="json"),
        {"text": f"\n {TEXT}\n"},
        keyless=True,
    ),
    "asr.azure": Wire("", lambda _, __: "it is a WebSocket", {}),
    "asr.deepgram": Wire("", lambda _, __: "it is a WebSocket", {}),
}
STREAMS = ("asr.azure", "asr.deepgram")
HTTP = [name for name in WIRES if name not in STREAMS]
EACH = pytest.mark.parametrize("name", WIRES)


def converse(name: str, scene: Scene, *, url: str = "", **settings: Any) -> Graph:
    """Run a scene beside a graph that hears through a local server, in real time."""
    wire = WIRES[name]

    async def main() -> Graph:
        async with LocalServer(wire.answer) as server:
            azure = AzureServer(server, heard=("Hello you", "there."))
            server.socket = azure.hear if name == "asr.azure" else Deepgram(server).talk
            base = url or server.url + ("/v1" if name == "asr.openai" else "")
            key = {} if wire.keyless else {"api_key": KEY}
            nodes = {
                "ear": Ear,
                "asr": (name, {"base_url": base, **key, **wire.settings, **PLAIN, **settings}),
                "end": sink(Transcript),
            }
            edges = ["ear.audio -> asr.audio", "ear.partial -> asr.partial", "asr.transcript -> end.in"]
            async with running(nodes, edges) as graph:
                await scene(graph, server)
            assert server.wrong == []
        return graph

    return asyncio.run(main())


def texts(graph: Graph, *, final: bool = True) -> list[str]:
    return [f.text for _, f in graph.node("end").__dict__.get("got", []) if f.final is final]


async def hear(graph: Graph, samples: F32 = SOUND, rate: int = RATE, *, trace: int = 0) -> list[str]:
    """What is understood of one utterance; its final transcript always comes."""
    before = len(texts(graph))
    gen = graph.node("ear").say(samples, rate, trace=trace)
    await until(lambda: len(texts(graph)) > before)
    graph.fence.played_out(gen)
    return texts(graph)[before:]


def errors(graph: Graph) -> list[tuple[str, str]]:
    return [(event.code, event.text) for event in graph.events if event.name == "error"]


@EACH
def test_an_utterance_becomes_text_at_any_rate_and_silence_none(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        assert await hear(graph) == [TEXT]
        high: F32 = (0.3 * np.sin(np.arange(44_100) * 2 * np.pi * 440 / 44_100)).astype(np.float32)
        assert await hear(graph, high, 44_100) == [TEXT]
        assert await hear(graph, SOUND[:100]) == [""]
        assert len(server.asked) == 2

    graph = converse(name, scene)
    assert errors(graph) == []
    assert graph.engine.shared["connections"]._session is None


@pytest.mark.parametrize(
    ("behaviour", "after", "code"),
    [
        ("400", 0, "request"), ("401", 0, "key"), ("402", 0, "quota"), ("404", 0, ""), ("429", 0, "busy"),
        ("500", 0, "server"), ("html", 0, "protocol"), ("half", 1, "protocol"), ("silent", 0, "timeout"),
        ("stall", 0, "stalled"), ("stall", 1, "stalled"), ("reset", 1, "unreachable"), ("drop", 1, "unreachable"),
    ],
)  # fmt: skip
@EACH
def test_every_fault_is_told_once_and_the_next_utterance_is_heard(
    name: str, behaviour: Behaviour, after: int, code: str
) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        server.behave(behaviour, after=after)
        assert await hear(graph) == [""]
        [(kind, said)] = errors(graph)
        assert kind == (code or kind)
        assert KEY not in said
        server.behave("normal")
        assert await hear(graph) == [TEXT]

    assert len(errors(converse(name, scene, **(SHORT[after > 0] if behaviour in ("silent", "stall") else {})))) == 1


@EACH
def test_who_asks_to_wait_is_asked_again(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        server.behave("later")
        assert await hear(graph) == [TEXT]
        assert len(server.asked) == 2

    assert errors(converse(name, scene)) == []


@EACH
def test_nobody_there_is_told_with_the_way_out(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        assert await hear(graph) == [""]

    [(code, told)] = errors(converse(name, scene, url="http://127.0.0.1:9"))
    assert code == "unreachable"
    assert "cannot be reached" in told


@pytest.mark.parametrize("name", HTTP)
def test_words_on_the_way_are_asked_for_where_that_is_wanted(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        graph.node("ear").begin(SOUND, 1)
        assert await hear(graph) == [TEXT]

    assert texts(converse(name, scene), final=False) == []
    assert texts(converse(name, scene, interim=True), final=False) == [TEXT]


@pytest.mark.parametrize("name", STREAMS)
def test_it_hears_while_it_is_spoken_over_one_connection(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        ear = graph.node("ear")
        ear.begin(SOUND[: RATE // 4], 1)
        await until(lambda: texts(graph, final=False))
        ear.begin(SOUND[: RATE // 2 + 1], 1)
        await until(lambda: len(texts(graph, final=False)) == 2)
        assert await hear(graph, trace=1) == [TEXT]
        assert len(server.asked) == 1
        assert await hear(graph) == [TEXT]
        assert len(server.asked) == 2

    graph = converse(name, scene)
    assert [text.capitalize() for text in texts(graph, final=False)] == ["Hello", "Hello you"]
    assert errors(graph) == []


@pytest.mark.parametrize("name", STREAMS)
def test_silence_on_the_way_holds_nobody_up(name: str) -> None:
    """A service that has nothing to say yet is not waited for: the end of the utterance comes through."""

    async def scene(graph: Graph, server: LocalServer) -> None:
        server.behave("stall", after=0)
        graph.node("ear").begin(SOUND[: RATE // 4], 1)
        await until(lambda: texts(graph, final=False))

    assert texts(converse(name, scene), final=False) == [""]


def test_a_model_that_there_is_not_is_told_with_those_there_are() -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        server.lists["/v1/models"] = {"object": "list", "data": [{"id": "whisper-large"}]}
        server.behave("404")
        assert await hear(graph) == [""]

    [(code, said)] = errors(converse("asr.openai", scene, model="whisper-larg"))
    assert code == "model"
    assert said.endswith("did you mean 'whisper-large'?; there are: whisper-large")


@pytest.mark.parametrize("name", STREAMS)
def test_a_missing_key_is_told_at_check(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry().find(name)
    monkeypatch.delenv(kind.provider.key, raising=False)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="wants a key: set"):
        kind.settings_class()()

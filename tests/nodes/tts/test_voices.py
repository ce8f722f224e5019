"""What every voice behind HTTP must do, against a local server that speaks its protocol, well and badly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from tests.graphs import joined, running, sink
from tests.nodes.agent.talk import got, until
from tests.nodes.azure_server import AzureServer
from tests.nodes.local_server import KEY, Behaviour, LocalServer
from tests.nodes.tts.test_speaker import Texts
from tests.nodes.tts.voices import RATE, WIRES
from vaidol.graph.frames import F32, Audio
from vaidol.graph.meters import snapshot
from vaidol.graph.scheduler import Graph
from vaidol.nodes import registry

Scene = Callable[[Graph, LocalServer], Awaitable[None]]
EACH = pytest.mark.parametrize("name", WIRES)
EACH_KIND = pytest.mark.parametrize("name", [name for name in WIRES if " " not in name])
PLAIN = {"connect_s": 1, "first_s": 10, "stall_s": 10, "cache_mb": 0}
SHORT = ({"first_s": 0.3}, {"stall_s": 0.2})  # s; for what never begins, and for what begins


LISTS = {  # where a service tells its voices, how, and what is made of that
    "tts.elevenlabs": ("/v1/voices", {"voices": [{"voice_id": "w", "name": "Wanda"}]}, "w"),
    "tts.cartesia": ("/voices", {"data": [{"id": "w", "name": "Wanda"}], "has_more": False}, "w"),
    "tts.deepgram": ("/v1/models", {"stt": [], "tts": [{"canonical_name": "aura-2-zeus-en"}]}, "aura-2-zeus-en"),
    "tts.openai": ("/v1/audio/voices", {"voices": ["af_heart"]}, "af_heart"),
    "tts.xtts": ("/speakers_list", ["female", "male"], "female, male"),
    "tts.azure": ("/cognitiveservices/voices/list", [{"ShortName": "en-US-AvaNeural"}], "en-US-AvaNeural"),
}


def converse(name: str, scene: Scene, *, gap_s: float = 0.0, url: str = "", **settings: Any) -> Graph:
    """Run a scene beside a graph that speaks through a local server, in real time."""
    wire = WIRES[name]

    async def main() -> Graph:
        texts: list[str] = []

        def answer(request: Any, body: bytes) -> Any:
            good = wire.answer(request, body)
            texts.append("" if isinstance(good, str) else wire.text(request, body))
            return good

        async with LocalServer(answer, gap_s=gap_s) as server:
            server.lists = {path: {} for path, _, _ in LISTS.values()}
            if wire.socket:
                azure = AzureServer(server, sound=wire.gives().pieces)
                server.socket, azure.texts = azure.speak, texts
            server.texts = texts  # type: ignore[attr-defined]
            base = url or server.url + ("/v1" if name.startswith("tts.openai") else "")
            given = {
                "base_url": base,
                **({} if wire.keyless else {"api_key": KEY}),
                **wire.settings,
                **PLAIN,
                **settings,
            }
            nodes = {"texts": Texts, "voice": (name.partition(" ")[0], given), "end": sink(Audio)}
            async with running(nodes, ["texts.text -> voice.text", "voice.audio -> end.in"]) as graph:
                await scene(graph, server)
            assert server.wrong == []
        return graph

    return asyncio.run(main())


async def speak(graph: Graph, *speech: str) -> F32:
    """The sound of one reply."""
    gen = graph.node("texts").say(*speech)
    await until(lambda: any(frame.final for frame in got(graph, gen)))
    graph.fence.played_out(gen)
    return joined(got(graph, gen))  # type: ignore[arg-type]


def errors(graph: Graph) -> list[tuple[str, str]]:
    return [(event.code, event.text) for event in graph.events if event.name == "error"]


def over_a_socket(told: str) -> str:
    """A refused handshake has no body."""
    return told.partition(": ")[0].replace("answered with text/html", "speaks no WebSocket")


def pitch(samples: F32) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))))) * RATE / len(samples)


@EACH
def test_it_speaks_what_it_is_told_and_no_connection_is_left(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        sound = await speak(graph, "Hello <you> & me.", "And you?")
        assert len(sound) == pytest.approx(RATE, rel=0.15)
        assert pitch(sound) == pytest.approx(440, abs=6)
        assert 0.4 < np.abs(sound).max() < 0.6
        assert server.texts == ["Hello <you> & me.", "And you?"]  # type: ignore[attr-defined]
        assert server.connections == 1  # the second request goes over the first one's connection

    graph = converse(name, scene)
    assert errors(graph) == []
    assert graph.engine.shared["connections"]._session is None


@pytest.mark.parametrize(
    ("behaviour", "after", "code", "told"),
    [
        ("400", 0, "request", "did not accept the request (400): text is too odd"),
        ("401", 0, "key", "(401)"),
        ("402", 0, "quota", "says that your quota is used up (402): Please top up"),
        ("403", 0, "key", "(403)"),
        ("404", 0, "", "(404): there is no such thing"),
        ("429", 0, "busy", "has too much to do; try again in 12 s (429)"),
        ("500", 0, "server", "has a fault of its own (500): The engine is on fire"),
        ("html", 0, "protocol", "answered with text/html; is base_url right?"),
        ("empty", 0, "empty", "sent no sound for a sentence"),
        ("silent", 0, "timeout", "did not answer in time"),
        ("stall", 0, "stalled", "sent nothing for 0.3 s"),
        ("stall", 2, "stalled", "sent nothing for 0.2 s"),
        ("reset", 2, "unreachable", "broke the connection off"),
        ("drop", 2, "unreachable", "broke the connection off"),
    ],
)
@EACH_KIND
def test_every_fault_is_told_once_and_the_next_reply_is_spoken(
    name: str, behaviour: Behaviour, after: int, code: str, told: str
) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        server.behave(behaviour, after=after)
        await speak(graph, "Hello.")
        [(kind, said)] = errors(graph)
        assert said.endswith(over_a_socket(told) if WIRES[name].socket else told)
        assert kind == (code or kind)
        assert kind in ("request", "key", "quota", "bad_voice", "busy", "server", "protocol", "empty", "timeout",
                        "stalled", "unreachable")  # fmt: skip
        assert KEY not in said
        assert len([1 for path, _ in server.asked if path]) == 1
        server.behave("normal")
        assert len(await speak(graph, "Hello.")) == pytest.approx(RATE / 2, rel=0.15)

    assert len(errors(converse(name, scene, **(SHORT[after > 0] if behaviour in ("silent", "stall") else {})))) == 1


@EACH
def test_half_an_answer_is_no_crash(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        server.behave("half", after=2)
        await speak(graph, "Hello.")
        server.behave("normal")
        assert len(await speak(graph, "Hello.")) == pytest.approx(RATE / 2, rel=0.15)

    assert {code for code, _ in errors(converse(name, scene))} <= {"protocol", "empty"}


@EACH
def test_who_asks_to_wait_is_asked_again_and_a_slow_trickle_is_sound(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        for behaviour in ("later", "trickle"):
            server.behave(behaviour)
            assert len(await speak(graph, "Hello.")) == pytest.approx(RATE / 2, rel=0.15)
        assert len(server.asked) == (2 if WIRES[name].socket else 3)  # a socket is kept

    assert errors(converse(name, scene)) == []


@EACH
def test_a_cut_closes_the_stream(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        server.behave("stall", after=4)
        graph.node("texts").say("Hello.")
        await until(lambda: len(server.asked))
        await asyncio.sleep(0.05)
        graph.fence.cut("barge-in")
        await until(lambda: server.left)

    assert errors(converse(name, scene)) == []


@EACH
def test_nobody_there_is_told_with_the_way_out(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        assert len(await speak(graph, "Hello.")) == 0

    [(code, told)] = errors(converse(name, scene, url="http://127.0.0.1:9"))
    assert code == "unreachable"
    assert "cannot be reached" in told


@pytest.mark.parametrize("name", [name for name, wire in WIRES.items() if wire.words])
def test_times_of_words_come_with_the_sound(name: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        await speak(graph, "Hello you.")
        words = got(graph)[-1].words  # type: ignore[attr-defined]
        assert [word.text.rstrip(".") for word in words] == ["Hello", "you"]
        assert all(0 <= word.begin_ms < word.end_ms <= 500 for word in words)

    assert errors(converse(name, scene)) == []


@pytest.mark.parametrize("name", sorted({name.split()[0] for name, wire in WIRES.items() if not wire.keyless}))
def test_a_missing_key_is_told_at_check(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry().find(name)
    provider = kind.provider  # type: ignore[attr-defined]
    monkeypatch.delenv(provider.key, raising=False)
    settings = kind.settings_class()
    if not provider.server:
        with pytest.raises(ValueError, match=f"wants a key: set {provider.key}, or write api_key"):
            settings()
    monkeypatch.setenv(provider.key, "from outside")
    assert settings().key == "from outside"  # type: ignore[attr-defined]
    assert "outside" not in repr(settings())


def test_a_connection_that_was_kept_and_has_died_is_opened_anew() -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        await speak(graph, "Hello.")
        await server.drop_all()
        assert len(await speak(graph, "Hello again.")) > 0
        assert server.connections == 2

    assert errors(converse("tts.azure", scene)) == []


def test_a_voice_that_azure_does_not_have_is_told() -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        await speak(graph, "Hello.")

    told = errors(converse("tts.azure", scene, voice="en-US-nobody"))
    assert told == [("bad_voice", "Azure speech did not accept the request: Unsupported voice nobody.")]


@pytest.mark.parametrize("name", LISTS)
def test_a_voice_that_there_is_not_is_told_with_those_there_are(name: str) -> None:
    path, told, names = LISTS[name]

    async def scene(graph: Graph, server: LocalServer) -> None:
        server.lists[path] = told
        server.behave("404")
        await speak(graph, "Hello.")

    [(code, said)] = errors(converse(name, scene, voice="de-DE-nobody" if name == "tts.azure" else "nobody"))
    assert code == "bad_voice"
    assert said.endswith(f"there are: {names}")


@pytest.mark.parametrize("kind", ["tts.xtts", "tts.gpt_sovits", "tts.cartesia"])
def test_a_language_that_a_voice_does_not_speak_fails_at_check(kind: str) -> None:
    with pytest.raises(ValueError, match=r"no language 'tlh'; .*ja, "):
        registry().find(kind).settings_class()(language="tlh", **({"api_key": KEY} if kind == "tts.cartesia" else {}))


def test_the_same_sentence_is_asked_for_once_by_all_sessions() -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        first = await speak(graph, "Hello.")
        assert np.array_equal(await speak(graph, "Hello.", "Bye."), np.concatenate([first, first]))
        assert [text for text in server.texts] == ["Hello.", "Bye."]  # type: ignore[attr-defined]
        counts = {node["name"]: node["counts"] for node in snapshot(graph)["nodes"]}
        assert counts["voice"] == {"sentences": 3, "from_cache": 1}

    assert errors(converse("tts.deepgram", scene, cache_mb=4)) == []


def test_words_are_written_as_they_are_to_be_said() -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        await speak(graph, "VAIDOL and vaidols meet New York.")
        assert server.texts == ["vy doll and vaidols meet the big apple."]  # type: ignore[attr-defined]

    words = {"vaidol": "vy doll", "york": "yawk", "New York": "the big apple"}
    assert errors(converse("tts.deepgram", scene, pronounce=words)) == []

"""What every translator must do, against a local server that speaks its protocol, well and badly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from tests.graphs import running, sink
from tests.nodes.agent.talk import got, until
from tests.nodes.local_server import KEY, Behaviour, Good, LocalServer, parsed
from vaidol.graph.frames import Sentence
from vaidol.graph.meters import snapshot
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.nodes import registry

Scene = Callable[[Graph, LocalServer], Awaitable[None]]
WORDS = {"Hello.": "Hallo.", "I have 3 cats.": "Ich habe 3 Katzen.", "Bye.": "Tschüss."}


class Says(Node[Settings]):
    """Sends the sentences of a reply."""

    outputs = (Port("sentence", Sentence),)
    replies = True

    def say(self, *texts: str) -> int:
        gen = self.ctx.fence.begin(1)
        self.ctx.spawn(self._send(gen, texts), gen=gen)
        return gen

    async def _send(self, gen: int, texts: tuple[str, ...]) -> None:
        for text in texts:
            await self.send("sentence", Sentence(text=text, speech=f"({text})", gen=gen, trace=1))
        await self.send("sentence", Sentence(final=True, gen=gen, trace=1))


def deepl(request: web.Request, body: bytes) -> Good | str:
    told = parsed(body)
    if (request.path, request.headers.get("Authorization")) != ("/v2/translate", f"DeepL-Auth-Key {KEY}"):
        return f"{request.path} {request.headers.get('Authorization')}"
    if told["target_lang"] != "DE":
        return "another language"
    translation = {"detected_source_language": "EN", "text": WORDS[told["text"][0]], "billed_characters": 6}
    answer = {"translations": [translation]}
    return Good("application/json", [json.dumps(answer).encode()])


def deeplx(request: web.Request, body: bytes) -> Good | str:
    told = parsed(body)
    if request.path != "/translate" or (told["source_lang"], told["target_lang"]) != ("auto", "DE"):
        return f"{request.path} {told}"
    answer = {"code": 200, "id": 1, "data": WORDS[told["text"]], "alternatives": []}
    return Good("application/json", [json.dumps(answer).encode()])


def openai(request: web.Request, body: bytes) -> Good | str:
    told = parsed(body)
    if (request.path, request.headers.get("Authorization")) != ("/v1/chat/completions", f"Bearer {KEY}"):
        return f"{request.path} {request.headers.get('Authorization')}"
    if "'de'" not in told["messages"][0]["content"]:
        return "another language"
    message = {"role": "assistant", "content": f'"{WORDS[told["messages"][1]["content"]]}"'}
    return Good("application/json", [json.dumps({"choices": [{"message": message}]}).encode()])


SERVERS = {"translate.deepl": deepl, "translate.deeplx": deeplx, "translate.openai": openai}
EACH = pytest.mark.parametrize("kind", SERVERS)


def converse(kind: str, scene: Scene, *, url: str = "", **settings: Any) -> Graph:
    async def main() -> Graph:
        async with LocalServer(SERVERS[kind]) as server:
            base = url or server.url + ("/v1" if kind == "translate.openai" else "")
            given = {"base_url": base, "api_key": KEY, "to": "de", "patience_s": 10, **settings}
            nodes = {"says": Says, "to": (kind, given), "end": sink(Sentence)}
            async with running(nodes, ["says.sentence -> to.sentence", "to.sentence -> end.in"]) as graph:
                await scene(graph, server)
            assert server.wrong == []
        return graph

    return asyncio.run(main())


async def say(graph: Graph, *texts: str) -> list[tuple[str, str]]:
    """What is shown and spoken of one reply."""
    gen = graph.node("says").say(*texts)
    await until(lambda: any(frame.final for frame in got(graph, gen)))
    graph.fence.played_out(gen)
    return [(frame.text, frame.speech) for frame in got(graph, gen) if frame.text]  # type: ignore[attr-defined]


def errors(graph: Graph) -> list[tuple[str, str]]:
    return [(event.code, event.text) for event in graph.events if event.name == "error"]


@EACH
def test_people_read_the_original_and_hear_the_other_language(kind: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        told = await say(graph, "Hello.", "I have 3 cats.", "Hello.")
        assert told == [("Hello.", "Hallo."), ("I have 3 cats.", "Ich habe 3 Katzen."), ("Hello.", "Hallo.")]
        assert len(server.asked) == 2  # the same sentence once
        assert server.connections == 1

    assert errors(converse(kind, scene)) == []


def test_subtitles_may_be_translated_too() -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        assert await say(graph, "Hello.") == [("Hallo.", "Hallo.")]

    assert errors(converse("translate.deepl", scene, subtitles=True)) == []


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ("400", "request"), ("401", "key"), ("402", "quota"), ("429", "busy"), ("500", "server"), ("html", "protocol"),
        ("empty", "protocol"), ("half", "protocol"), ("stall", "timeout"), ("silent", "timeout"),
        ("reset", "unreachable"),
    ],
)  # fmt: skip
@EACH
def test_what_cannot_be_translated_is_spoken_as_it_is_and_told_once(kind: str, behaviour: Behaviour, code: str) -> None:
    async def scene(graph: Graph, server: LocalServer) -> None:
        server.behave(behaviour)
        assert await say(graph, "Hello.", "Bye.") == [("Hello.", "(Hello.)"), ("Bye.", "(Bye.)")]
        assert [kind for kind, _ in errors(graph)] == [code]
        assert errors(graph)[0][1].endswith("; the voice speaks the original")
        counts = {node["name"]: node["counts"] for node in snapshot(graph)["nodes"]}["to"]
        assert counts == {"untranslated": 2}
        server.behave("normal")
        assert await say(graph, "Hello.") == [("Hello.", "Hallo.")]

    patience = {"patience_s": 0.2} if behaviour in ("stall", "silent") else {}
    assert len(errors(converse(kind, scene, **patience))) == 1


def test_chatter_is_no_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WORDS, "Hello.", "Sure! Here is what you asked for. " * 20)

    async def scene(graph: Graph, server: LocalServer) -> None:
        assert await say(graph, "Hello.") == [("Hello.", "(Hello.)")]

    [(code, told)] = errors(converse("translate.openai", scene))
    assert code == "protocol"
    assert "sent something that is no translation" in told


def test_a_missing_key_is_told_at_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPL_API_KEY", raising=False)
    with pytest.raises(ValueError, match="DeepL wants a key: set DEEPL_API_KEY"):
        registry().find("translate.deepl").settings_class()()

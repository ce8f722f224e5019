"""agent.anthropic against a local server that speaks the Messages API, well and badly; presets of agent.openai."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from tests.graphs import running, sink
from tests.nodes.agent.anthropic_server import Claude
from tests.nodes.agent.talk import User, got, reply, until
from tests.nodes.local_server import KEY, Behaviour, LocalServer
from tests.openai_server import REPLY, OpenaiServer
from vaidol.graph.frames import Image, TextDelta
from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent.anthropic import AnthropicAgent, AnthropicSettings
from vaidol.nodes.agent.openai import PRESETS, OpenaiSettings

Scene = Callable[[Graph, LocalServer, Claude], Awaitable[None]]


def converse(scene: Scene, *, gap_s: float = 0.0, url: str = "", **settings: Any) -> Graph:
    async def main() -> Graph:
        claude = Claude()
        async with LocalServer(claude.answer, gap_s=gap_s) as server:
            given = {"base_url": url or server.url, "api_key": KEY, "prompt": "Be nice.", **settings}
            nodes = {"user": User, "agent": ("agent.anthropic", given), "end": sink(TextDelta)}
            async with running(nodes, ["user.text -> agent.user", "agent.text -> end.in"]) as graph:
                await scene(graph, server, claude)
            assert server.wrong == []
        return graph

    return asyncio.run(main())


def errors(graph: Graph) -> list[tuple[str, str]]:
    return [(event.code, event.text) for event in graph.events if event.name == "error"]


def test_a_reply_is_streamed_and_the_conversation_goes_on() -> None:
    async def scene(graph: Graph, server: LocalServer, _: Claude) -> None:
        assert await reply(graph, "hello") == REPLY
        assert await reply(graph, "and now?") == REPLY
        body = server.asked[-1][1].decode()
        assert '"system": "Be nice."' in body
        assert '"max_tokens": 77' in body
        assert '"tools"' not in body
        assert server.connections == 1

    assert errors(converse(scene, max_tokens=77)) == []


@pytest.mark.parametrize(
    ("behaviour", "after", "code", "said"),
    [
        ("400", 0, "request", ""), ("401", 0, "key", ""), ("402", 0, "quota", ""), ("404", 0, "model", ""),
        ("429", 0, "busy", ""), ("500", 0, "server", ""), ("html", 0, "protocol", ""), ("empty", 0, "unreachable", ""),
        ("half", 4, "protocol", REPLY[:8]), ("stall", 0, "stalled", ""), ("stall", 5, "stalled", REPLY[:16]),
        ("silent", 0, "stalled", ""), ("reset", 4, "unreachable", REPLY[:8]), ("drop", 4, "unreachable", REPLY[:8]),
    ],
)  # fmt: skip
def test_every_fault_is_told_once_and_the_next_turn_works(
    behaviour: Behaviour, after: int, code: str, said: str
) -> None:
    async def scene(graph: Graph, server: LocalServer, _: Claude) -> None:
        server.behave(behaviour, after=after)
        assert await reply(graph, "hello") == said
        [(kind, text)] = errors(graph)
        assert (kind, KEY in text) == (code, False)
        server.behave("normal")
        assert await reply(graph, "again") == REPLY

    short = {"first_token_s": 0.4, "stall_s": 0.3} if behaviour in ("stall", "silent") else {"first_token_s": 8}
    assert len(errors(converse(scene, **short))) == 1


@pytest.mark.parametrize(
    ("kind", "code"),
    [("overloaded_error", "server"), ("rate_limit_error", "busy"), ("authentication_error", "key")],
)
def test_an_error_in_the_middle_of_a_reply_is_told(kind: str, code: str) -> None:
    async def scene(graph: Graph, server: LocalServer, claude: Claude) -> None:
        claude.error = kind
        assert await reply(graph, "hello") == REPLY[:16]

    assert [code for code, _ in errors(converse(scene))] == [code]


def test_who_asks_to_wait_is_asked_again_within_the_deadline() -> None:
    async def scene(graph: Graph, server: LocalServer, _: Claude) -> None:
        server.behave("later")
        assert await reply(graph, "hello") == REPLY

    assert errors(converse(scene)) == []


def test_a_cut_closes_the_stream() -> None:
    async def scene(graph: Graph, server: LocalServer, _: Claude) -> None:
        graph.node("user").say("hello")
        await until(lambda: got(graph))
        graph.fence.cut("barge-in")
        await until(lambda: server.left)

    assert errors(converse(scene, gap_s=0.03)) == []


def test_keys_come_from_the_environment_or_their_absence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(ValidationError, match="Anthropic wants a key: set ANTHROPIC_API_KEY"):
        AnthropicSettings()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from outside")
    assert AnthropicSettings().key == "from outside"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_brings_address_model_and_key(preset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, name, model = PRESETS[preset]
    monkeypatch.delenv(name or "NONE", raising=False)
    if name:
        with pytest.raises(ValidationError, match=f"{preset} wants a key: set {name}"):
            OpenaiSettings(preset=preset)
        monkeypatch.setenv(name, "from outside")
    settings = OpenaiSettings(preset=preset)
    assert (settings.address, settings.model_name) == (url, model)
    assert settings.key == ("from outside" if name else "")
    elsewhere = OpenaiSettings(preset=preset, base_url="http://127.0.0.1:9/v1")  # a key goes to its own server only
    assert (elsewhere.address, elsewhere.key) == ("http://127.0.0.1:9/v1", "")


def test_an_openai_server_that_asks_to_wait_is_asked_again_within_the_deadline() -> None:
    async def main() -> list[Any]:
        async with OpenaiServer() as server:
            server.behave("later")
            nodes = {"user": User, "agent": ("agent.openai", {"base_url": server.url}), "end": sink(TextDelta)}
            async with running(nodes, ["user.text -> agent.user", "agent.text -> end.in"]) as graph:
                assert await reply(graph, "hello") == REPLY
                assert len(server.asked) == 2
                return errors(graph)

    assert asyncio.run(main()) == []


def test_a_picture_stands_beside_the_words_it_goes_with_and_not_in_the_memory() -> None:
    async def scene(graph: Graph, server: LocalServer, _: Claude) -> None:
        agent = graph.node("agent")
        assert isinstance(agent, AnthropicAgent)
        await agent.process("image", Image(data=b"a picture", mime="image/webp", born=graph.clock.ns()))
        assert await reply(graph, "what is this?") == REPLY
        [message] = json.loads(server.asked[-1][1])["messages"]
        assert message["content"] == [
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/webp", "data": "YSBwaWN0dXJl"},
            },
            {"type": "text", "text": "what is this?"},
        ]
        assert agent.memory.messages()[1] == {"role": "user", "content": "what is this?"}
        assert "".join([piece async for piece in agent.beside([{"role": "user", "content": "Summarise."}])]) == REPLY
        assert "YSBwaWN0dXJl" not in server.asked[-1][1].decode(), "what is asked beside the talk needs no picture"

    assert errors(converse(scene)) == []

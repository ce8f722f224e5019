"""agent.openai against a real local server that speaks the protocol, well and badly."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from tests.graphs import running, sink
from tests.nodes.agent.talk import User, got, reply, until
from tests.openai_server import REPLY, Behaviour, OpenaiServer
from vaidol.graph.frames import TextDelta
from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent.openai import OpenaiSettings

Scene = Callable[[Graph, OpenaiServer], Awaitable[None]]


def converse(scene: Scene, server: OpenaiServer | None = None, **settings: Any) -> Graph:
    """Run `scene` beside a graph whose agent talks to `server`, in real time."""

    async def main() -> Graph:
        async with server or OpenaiServer() as running_server:
            given = {"base_url": running_server.url, "model": "test", "prompt": "Be nice.", **settings}
            nodes = {"user": User, "agent": ("agent.openai", given), "end": sink(TextDelta)}
            async with running(nodes, ["user.text -> agent.user", "agent.text -> end.in"]) as graph:
                await scene(graph, running_server)
        return graph

    return asyncio.run(main())


def errors(graph: Graph) -> list[tuple[str, str]]:
    return [(event.code, event.text) for event in graph.events if event.name == "error"]


def test_a_reply_is_streamed_with_the_conversation_and_the_settings_asked_for() -> None:
    async def scene(graph: Graph, server: OpenaiServer) -> None:
        assert await reply(graph, "hello") == REPLY
        assert await reply(graph, "and now?") == REPLY
        asked = server.asked[-1]
        assert asked["messages"] == [
            {"role": "system", "content": "Be nice."},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": REPLY},  # nobody says what was heard in this graph
            {"role": "user", "content": "and now?"},
        ]
        assert (asked["model"], asked["max_tokens"], asked["temperature"]) == ("test", 77, 0.0)
        assert asked["reasoning_effort"] == "low"
        assert server.headers[-1]["X-Title"] == "vaidol"
        assert server.headers[-1]["Authorization"] == "Bearer sesame"

    settings: dict[str, Any] = {"max_tokens": 77, "temperature": 0, "extra": {"reasoning_effort": "low"}}
    graph = converse(scene, OpenaiServer(key="sesame"), api_key="sesame", headers={"X-Title": "vaidol"}, **settings)
    assert errors(graph) == []


@pytest.mark.parametrize(
    ("behaviour", "after", "code", "told"),
    [
        ("401", 0, "key", "wants an api_key (401)"),
        ("403", 0, "key", "wants an api_key (403)"),
        ("404", 0, "model", "knows no model 'test'; check model and base_url: model not found, try pulling it first"),
        ("429", 0, "busy", "has too much to do, or your quota is used up; try again in 12 s (429)"),
        ("500", 0, "server", "has a fault of its own (500): The engine is on fire"),
        ("html", 0, "protocol", "answered with text/html; charset=utf-8 instead of a stream; is base_url right? It"),
        ("json", 0, "protocol", "answered with application/json; charset=utf-8 instead of a stream; is base_url"),
        ("garbage", 0, "protocol", "does not speak the OpenAI protocol; is base_url right?"),
        ("garbage", 3, "protocol", "does not speak the OpenAI protocol; is base_url right?"),
        ("half_json", 3, "protocol", "does not speak the OpenAI protocol; is base_url right?"),
        ("no_chunk", 3, "protocol", "does not speak the OpenAI protocol; is base_url right?"),
        ("error_event", 3, "server", "broke off: the model ran out of memory"),
        ("empty", 0, "empty", "answered with nothing"),
        ("reset", 0, "unreachable", "broke the connection off ("),
        ("reset", 3, "unreachable", "broke the connection off ("),
        ("drop", 3, "unreachable", "broke the connection off ("),
        ("stall", 0, "stalled", "sent nothing for 0.4 s"),
        ("stall", 3, "stalled", "sent nothing for 0.4 s"),
        ("trickle", 3, "stalled", "sent nothing for 0.4 s"),
    ],
)
def test_every_fault_is_told_once_and_the_next_turn_works(
    behaviour: Behaviour, after: int, code: str, told: str
) -> None:
    async def scene(graph: Graph, server: OpenaiServer) -> None:
        server.behave(behaviour, after=after)
        assert await reply(graph, "hello") == REPLY[: 4 * after]
        server.behave("normal")
        assert await reply(graph, "again") == REPLY
        assert server.headers[0]["Authorization"] == "Bearer none"
        told_by = f"the language model at 127.0.0.1:{server.port} "
        assert [(code, text.removeprefix(told_by)[: len(told)]) for code, text in errors(graph)] == [(code, told)]

    graph = converse(scene, first_token_s=0.4, stall_s=0.4)
    assert [e.name for e in graph.events if e.name.startswith("turn_") and e.name != "turn_begin"] == [
        "turn_failed",
        "turn_done",
    ]


def test_a_wrong_key_is_told_without_what_the_server_says_about_it() -> None:
    async def scene(graph: Graph, server: OpenaiServer) -> None:
        await reply(graph, "hello")

    ((code, text),) = errors(converse(scene, OpenaiServer(key="sesame"), api_key="sk-secret"))
    assert code == "key"
    assert "refused the key; check api_key (401)" in text
    assert "sk-" not in text


def test_a_server_that_is_not_there_is_named_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = taken.getsockname()[1]

        async def scene(graph: Graph, server: OpenaiServer) -> None:
            assert await reply(graph, "hello") == ""

        ((code, text),) = errors(converse(scene, base_url=f"http://user:pass@127.0.0.1:{port}/v1"))
    assert code == "unreachable"
    assert text.startswith(f"the language model at 127.0.0.1:{port} cannot be reached; is it running, and is base_url")
    assert "pass" not in text


def test_a_cut_closes_the_stream_at_the_server() -> None:
    async def scene(graph: Graph, server: OpenaiServer) -> None:
        gen = graph.node("user").say("hello")
        await until(lambda: got(graph))
        graph.fence.cut("barge-in")
        await until(lambda: server.left)
        count = len(got(graph, gen))
        assert await reply(graph, "again") == REPLY
        assert len(got(graph, gen)) == count

    assert errors(converse(scene, OpenaiServer(gap_s=0.02))) == []


@pytest.mark.parametrize("base_url", ["localhost:11434/v1", "ftp://somewhere/v1", "http://"])
def test_an_address_that_is_none_fails_at_check(base_url: str) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        OpenaiSettings(base_url=base_url)


def test_secrets_do_not_show() -> None:
    settings = OpenaiSettings.model_validate({"api_key": "sk-secret", "headers": {"X-Key": "sk-other"}})
    assert "sk-" not in repr(settings) + settings.model_dump_json()


def test_the_memory_counts_tokens_as_the_server_does() -> None:
    async def scene(graph: Graph, _: OpenaiServer) -> None:
        assert await reply(graph, "x" * 80) == REPLY
        tokens = graph.node("agent").memory.tokens  # the server says 40: 8 around the messages, 32 for 88 characters
        assert tokens.count("x" * 88) == pytest.approx(32)

    assert errors(converse(scene)) == []


def test_a_summary_is_asked_for_without_the_persons_in_the_call_hearing_it() -> None:
    async def scene(graph: Graph, server: OpenaiServer) -> None:
        for number in range(3):
            assert await reply(graph, f"{number} " + "x" * 60) == REPLY
        memory = graph.node("agent").memory
        await until(lambda: memory.summary)
        assert memory.summary == "Hello there! I hear you, and I am"  # a quarter of the memory, and no [joy]
        await reply(graph, "go on")
        first = server.asked[-1]["messages"][1]
        assert first["role"] == "user"
        assert first["content"].startswith(f"(Said earlier: {memory.summary}) ")

    assert errors(converse(scene, memory=120)) == []

"""Tools in the turn of an agent, against real local servers: good calls, and calls that go wrong in every way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.graphs import running, sink
from tests.nodes.agent import some_tools
from tests.nodes.agent.anthropic_server import Claude
from tests.nodes.agent.talk import User, got, reply, until
from tests.nodes.local_server import KEY, LocalServer
from tests.openai_server import REPLY, OpenaiServer
from vaidol.graph.frames import TextDelta
from vaidol.graph.meters import snapshot
from vaidol.graph.scheduler import Graph

HERE = "tests.nodes.agent.some_tools"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    some_tools.called.clear()
    some_tools.released.clear()
    yield
    some_tools.released.set()


def named(*names: str) -> list[str]:
    return [f"{HERE}:{name}" for name in names]


class Asked:
    """A server of either kind, and what it was told of the tools: (name, result) of the last request."""

    def __init__(self, server: Any, calls: list[list[tuple[str, str]]]) -> None:
        self.server = server
        self.calls = calls

    @property
    def bodies(self) -> list[dict[str, Any]]:
        asked = self.server.asked
        return [one if isinstance(one, dict) else json.loads(one[1]) for one in asked]

    @property
    def results(self) -> list[str]:
        messages = self.bodies[-1]["messages"]
        told = [message["content"] for message in messages if message["role"] == "tool"]
        blocks = [b for m in messages if m["role"] == "user" and isinstance(m["content"], list) for b in m["content"]]
        return told + [block["content"] for block in blocks if block["type"] == "tool_result"]

    @property
    def offered(self) -> set[str]:
        tools = self.bodies[0].get("tools", [])
        return {tool.get("name") or tool["function"]["name"] for tool in tools}


def converse(kind: str, scene: Callable[[Graph, Asked], Awaitable[None]], **settings: Any) -> Graph:
    async def main() -> Graph:
        claude = Claude()
        openai, anthropic = OpenaiServer(), LocalServer(claude.answer)
        async with openai, anthropic:
            given = {"model": "test", "prompt": "Be nice.", "tool_s": 5, **settings}
            if kind == "agent.openai":
                given, asked = {**given, "base_url": openai.url}, Asked(openai, openai.calls)
            else:
                given, asked = {**given, "base_url": anthropic.url, "api_key": KEY}, Asked(anthropic, claude.calls)
            nodes = {"user": User, "agent": (kind, given), "end": sink(TextDelta)}
            async with running(nodes, ["user.text -> agent.user", "agent.text -> end.in"]) as graph:
                await scene(graph, asked)
            assert anthropic.wrong == []
        return graph

    return asyncio.run(main())


def told(graph: Graph, name: str = "tool") -> list[tuple[str, str]]:
    return [(event.code, event.text) for event in graph.events if event.name == name]


EACH = pytest.mark.parametrize("kind", ["agent.openai", "agent.anthropic"])


@EACH
def test_tools_are_called_told_and_their_results_answered(kind: str) -> None:
    async def scene(graph: Graph, asked: Asked) -> None:
        asked.calls += [[("roll", '{"sides": 6, "color": "green"}'), ("look_up", '{"city": "Oslo"}')]]
        assert await reply(graph, "roll a die") == REPLY
        assert asked.results == ["6", '{"city": "Oslo", "sky": "blue"}']
        assert asked.offered == {"roll", "look_up"}
        assert some_tools.called == ["roll 6 green"]
        before = asked.bodies[-1]["messages"]
        assert await reply(graph, "and now?") == REPLY
        after = asked.bodies[-1]["messages"]
        assert after[: len(before)] == before, "what was called, and what came of it, is remembered as it was"
        assert [m["role"] for m in after[len(before) :]] == ["assistant", "user"]
        counts = {node["name"]: node["counts"] for node in snapshot(graph)["nodes"]}["agent"]
        assert counts["tool_calls"] == 2
        assert counts["tokens_in"] >= 90
        assert counts["cost_millionths"] == 2 * counts["tokens_in"] + 10 * counts["tokens_out"]

    graph = converse(kind, scene, tools=named("roll", "look_up"), price_in=2, price_out=10)
    assert told(graph, "error") == []
    assert set(told(graph)) == {
        ("called", 'roll("sides": 6, "color": "green")'),
        ("called", 'look_up("city": "Oslo")'),
        ("done", 'roll("sides": 6, "color": "green"): 6'),
        ("done", 'look_up("city": "Oslo"): {"city": "Oslo", "sky": "blue"}'),
    }


@EACH
def test_of_long_answers_a_part_is_remembered_and_of_none_nothing_where_that_is_wished(kind: str) -> None:
    async def scene(graph: Graph, asked: Asked) -> None:
        asked.calls += [[("flood", "{}")]]
        await reply(graph, "do it")
        assert len(asked.results[0]) > 4000
        await reply(graph, "and now?")
        [kept] = asked.results
        assert 30 < len(kept) <= 40

    async def forgets(graph: Graph, asked: Asked) -> None:
        asked.calls += [[("flood", "{}")]]
        await reply(graph, "do it")
        await reply(graph, "and now?")
        assert asked.results == []

    converse(kind, scene, tools=named("flood"), tool_memory=10)
    converse(kind, forgets, tools=named("flood"), tool_memory=0)


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("fail", '{"why": "because"}', "fail failed: because"),
        ("hang", "{}", "hang did not come back within 0.3 s"),
        ("hang_softly", "", "hang_softly did not come back within 0.3 s"),
        ("roll", '{"sides": "many"}', "roll failed: sides: Input should be a valid integer"),
        ("roll", "{}", "roll failed: sides: Field required"),
        ("roll", '{"sides": 6, "colour": "x"}', "roll failed: colour: Extra inputs are not permitted"),
        ("roll", '["six"]', "roll failed: the arguments are no JSON object"),
        ("roll", '{"sides": ', "roll failed: Expecting value"),
        ("unroll", "{}", "unroll failed: there is no such tool; there are: "),
        ("flood", "{}", "xxxxxxxxxxxxxxxxxxxx"),
    ],
)
def test_a_call_that_goes_wrong_is_told_to_the_model_and_the_reply_goes_on(
    name: str, arguments: str, result: str
) -> None:
    async def scene(graph: Graph, asked: Asked) -> None:
        asked.calls += [[(name, arguments)]]
        assert await reply(graph, "do it") == REPLY
        [said] = asked.results
        assert said.startswith(result)
        assert len(said) < 4100
        some_tools.released.set()

    tools = named("roll", "fail", "hang", "hang_softly", "flood")
    graph = converse("agent.openai", scene, tools=tools, tool_s=0.3 if "hang" in name else 5)
    assert told(graph, "error") == []


@EACH
def test_a_model_that_only_calls_tools_has_to_answer_in_the_end(kind: str) -> None:
    async def scene(graph: Graph, asked: Asked) -> None:
        asked.calls += [[("roll", '{"sides": 2}')]] * 3
        assert await reply(graph, "roll") == REPLY
        assert len(asked.bodies) == 4
        assert asked.bodies[-1]["tool_choice"] in ("none", {"type": "none"})
        assert asked.results == ["2", "2", "2"]

    assert told(converse(kind, scene, tools=named("roll"), tool_rounds=3), "error") == []


def test_tools_wait_until_the_reply_is_meant_and_a_dead_reply_calls_none() -> None:
    async def scene(graph: Graph, asked: Asked) -> None:
        asked.calls += [[("roll", '{"sides": 6}')], [("roll", '{"sides": 8}')]]
        graph.node("user").say("never meant", speculative=True)
        await until(lambda: len(asked.bodies) == 1)
        await asyncio.sleep(0.1)
        graph.fence.abandon(graph.fence.newest)
        gen = graph.node("user").say("meant later", speculative=True)
        await until(lambda: len(asked.bodies) == 2)
        await asyncio.sleep(0.1)
        assert some_tools.called == []
        graph.fence.commit(gen)
        await until(lambda: any(frame.final for frame in got(graph, gen)))
        assert some_tools.called == ["roll 8 red"]

    assert told(converse("agent.openai", scene, tools=named("roll")), "error") == []


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        (f"{HERE}:nothing", "is no function"),
        (f"{HERE}:NOT_A_FUNCTION", "is no function"),
        ("no_such_module:f", "cannot be imported"),
        (f"{HERE}:strange", "has arguments that are not understood"),
    ],
)
def test_a_tool_that_cannot_be_used_is_told_when_the_call_begins(tool: str, words: str) -> None:
    async def scene(graph: Graph, asked: Asked) -> None:
        await until(lambda: told(graph, "error"))

    [(code, text), *_] = told(converse("agent.openai", scene, tools=[tool]), "error")
    assert code == "tool"
    assert words in text

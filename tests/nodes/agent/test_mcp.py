"""Tools of real MCP servers, made with the official package, over both of its transports."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.graphs import running, sink
from tests.nodes.agent.talk import User, reply, until
from tests.nodes.agent.test_tools import Asked, converse, told
from tests.openai_server import REPLY, OpenaiServer
from vaidol.graph.frames import TextDelta
from vaidol.graph.scheduler import Graph

MCP_SERVER = '''
from mcp.server import MCPServer
server = MCPServer("test")

@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b

@server.tool()
def burst() -> str:
    """Fails."""
    raise ValueError("it burst")

if __name__ == "__main__":
    import sys
    if len(sys.argv) > 1:
        server.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run()
'''


@pytest.fixture
def mcp_server(tmp_path: Path) -> Path:
    pytest.importorskip("mcp")
    file = tmp_path / "server.py"
    file.write_text(MCP_SERVER)
    return file


def test_tools_of_a_real_mcp_server_over_its_standard_streams(mcp_server: Path) -> None:
    async def scene(graph: Graph, asked: Asked) -> None:
        await until(lambda: graph.cells["agent"].state == "idle")
        asked.calls += [[("add", '{"a": 20, "b": 22}'), ("burst", "{}")]]
        assert await reply(graph, "add") == REPLY
        assert asked.offered == {"add", "burst"}
        assert asked.results[0] == "42"
        assert "burst failed" in asked.results[1]

    servers = {"here": {"command": sys.executable, "args": [str(mcp_server)]}}
    assert told(converse("agent.openai", scene, mcp=servers, tool_s=20), "error") == []


def test_tools_of_a_real_mcp_server_over_http(mcp_server: Path) -> None:
    from tests.e2e.serving import free_port

    async def main() -> None:
        port = free_port()
        program = await asyncio.create_subprocess_exec(
            sys.executable, str(mcp_server), str(port), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            for _ in range(400):
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
            await serve(port)
        finally:
            program.kill()
            await program.wait()

    async def serve(port: int) -> None:
        async with OpenaiServer() as openai:
            openai.calls += [[("add", '{"a": 1, "b": 2}')]]
            given = {
                "base_url": openai.url,
                "prompt": "x",
                "mcp": {"far": {"url": f"http://127.0.0.1:{port}/mcp", "only": ["add"]}},
            }
            nodes = {"user": User, "agent": ("agent.openai", given), "end": sink(TextDelta)}
            async with running(nodes, ["user.text -> agent.user", "agent.text -> end.in"]) as graph:
                await until(lambda: graph.cells["agent"].state == "idle")
                assert await reply(graph, "add") == REPLY
                assert Asked(openai, []).results == ["3"]
                assert Asked(openai, []).offered == {"add"}
                assert told(graph, "error") == []

    asyncio.run(main())


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"command": "/no/such/program"}, "the MCP server bad failed"),
        ({"command": sys.executable, "args": ["-c", "raise SystemExit(3)"]}, "the MCP server bad"),
        ({}, "needs a command or a url, and not both"),
    ],
)
def test_an_mcp_server_that_does_not_work_is_told_and_the_conversation_goes_on(
    server: dict[str, Any], words: str
) -> None:
    pytest.importorskip("mcp")

    async def scene(graph: Graph, asked: Asked) -> None:
        await until(lambda: told(graph, "error"))
        if server:
            assert await reply(graph, "hello") == REPLY

    assert words in told(converse("agent.openai", scene, mcp={"bad": server}, tool_s=3), "error")[0][1]


def test_a_missing_mcp_package_is_told_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)

    async def scene(graph: Graph, asked: Asked) -> None:
        await until(lambda: told(graph, "error"))

    [(code, text), *_] = told(converse("agent.openai", scene, mcp={"x": {"command": "true"}}), "error")
    assert (code, text) == ("missing", "the MCP client needs more packages: pip install 'vaidol[mcp]'")

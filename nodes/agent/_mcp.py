"""One MCP server as a source of tools, over its standard input and output or over streamable HTTP.

See https://modelcontextprotocol.io/specification
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from vaidol.graph.errors import ProviderError
from vaidol.nodes._provider import Provider, need_package
from vaidol.nodes.agent._tools import McpSettings, Tool

if TYPE_CHECKING:
    from mcp import ClientSession

PROVIDER = Provider("the MCP client", package="mcp", extra="mcp")
TOOLS_MAX = 128


class McpServer:
    """A connection to one server. `live` holds it open: a task of its own, since it must open and close in one."""

    def __init__(self, name: str, settings: McpSettings, limit_s: float) -> None:
        self.name = name
        self.tools: list[Tool] = []
        self.ready = asyncio.Event()  # it has told its tools, or has failed
        self._settings = settings
        self._limit_s = limit_s
        self._stop = asyncio.Event()

    def close(self) -> None:
        self._stop.set()

    async def live(self) -> None:
        """Until `close`. Raises `ProviderError`; then it has no tools."""
        try:
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout(self._limit_s):
                        session = await self._connect(stack)
                        listed = (await session.list_tools()).tools[:TOOLS_MAX]
                except TimeoutError:
                    raise ProviderError(f"the MCP server {self.name} did not answer in time", code="tool") from None
                self.tools = [
                    Tool(tool.name, tool.description or tool.name, tool.input_schema, partial(_run, session, tool.name))
                    for tool in listed
                    if not self._settings.only or tool.name in self._settings.only
                ]
                self.ready.set()
                await self._stop.wait()
        except (OSError, RuntimeError, ValueError, ExceptionGroup) as error:
            said = " ".join(str(error).split())[:200]
            raise ProviderError(f"the MCP server {self.name} failed: {said}", code="tool") from error
        finally:
            self.tools = []
            self.ready.set()

    async def _connect(self, stack: AsyncExitStack) -> ClientSession:
        mcp = need_package(PROVIDER)
        if self._settings.url:
            from mcp.client.streamable_http import streamable_http_client

            streams = await stack.enter_async_context(streamable_http_client(self._settings.url))
        else:
            from mcp.client.stdio import stdio_client

            wanted = self._settings
            program = mcp.StdioServerParameters(command=wanted.command, args=list(wanted.args), env=wanted.env or None)
            quiet = stack.enter_context(open(os.devnull, "w"))  # noqa: ASYNC230, SIM115  # what it says goes nowhere
            streams = await stack.enter_async_context(stdio_client(program, errlog=quiet))
        session: ClientSession = await stack.enter_async_context(mcp.ClientSession(streams[0], streams[1]))
        await session.initialize()
        return session


async def _run(session: ClientSession, name: str, arguments: dict[str, Any]) -> str:
    result: Any = await session.call_tool(name, arguments)
    text = "\n".join(part.text for part in result.content if getattr(part, "text", None))
    if result.is_error:
        raise RuntimeError(text or "it says that it failed")
    return text or "done"

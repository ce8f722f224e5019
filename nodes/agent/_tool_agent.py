"""The base of agents that may call tools: the model asks, tools answer, the model speaks on; tokens are counted."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Image
from vaidol.nodes.agent._chat import ChatAgent, ChatSettings
from vaidol.nodes.agent._mcp import McpServer
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.agent._tools import NAME, Call, McpSettings, Round, Toolbox

LIFE_S = 0.5  # between two signs of life while tools work
COMMIT_S = 0.02  # between two looks whether the reply is meant


class ToolSettings(ChatSettings):
    """What agents with tools have in common."""

    tools: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field((), max_length=64)
    """Python functions that the model may call, as package.module:function; their docstrings tell it what for."""
    mcp: dict[str, McpSettings] = Field(default_factory=dict, max_length=16)
    """MCP servers whose tools the model may call, by a name of yours."""
    tool_s: float = Field(15.0, gt=0, le=600)
    """A tool that has not come back by then has failed, s."""
    tool_rounds: int = Field(4, ge=1, le=50)
    """So often in one reply the model may call tools before it has to answer."""
    tool_memory: int = Field(200, ge=0, le=100_000)
    """What is remembered of a tool's answer after the reply, tokens; 0 = not even that it was called."""
    vision: bool = False
    """The model understands pictures."""
    images: Literal["auto", "never"] = "auto"
    """auto: the picture the user shows just now, of camera or screen, goes to the model with the user's words."""
    price_in: float = Field(0.0, ge=0)
    """Price of a million tokens read, for the count of costs."""
    price_out: float = Field(0.0, ge=0)
    """Price of a million tokens written."""


T = TypeVar("T", bound=ToolSettings)


class ToolAgent(ChatAgent[T]):
    """An agent that may call tools, once the reply is sure to be meant (committed)."""

    async def open(self) -> None:
        await super().open()
        self._asked: list[Message] = []  # what the next report of tokens is about, when it comes to `_asks`
        self._asks: asyncio.Task[object] | None = None
        self.toolbox = Toolbox(self.ctx, self.settings.tool_s)
        self._servers: list[McpServer] = []
        if self.settings.tools:
            await self.ctx.call("tools", self._import)
        for name, wanted in self.settings.mcp.items():
            if bool(wanted.url) == bool(wanted.command):
                raise ProviderError(f"the MCP server {name} needs a command or a url, and not both", code="tool")
            self._servers.append(McpServer(name, wanted, self.settings.tool_s))
            self.ctx.spawn(self._servers[-1].live())
        for server in self._servers:
            await server.ready.wait()
            for tool in server.tools:
                self.toolbox.add(tool)
        self.memory.tools = bool(self.toolbox.tools)

    async def close(self) -> None:
        await super().close()
        for server in getattr(self, "_servers", ()):
            server.close()

    @property
    def blind(self) -> str:
        if self.settings.images == "never":
            return "pictures are not shown to the language model: its setting images is 'never'"
        return "" if self.settings.vision else f"{self.source} is not known to see; if it can, set vision: true"

    @property
    def sight(self) -> Image | None:
        """The picture that goes with a reply's messages; none with what is asked beside the conversation."""
        return self.eyes.looking if asyncio.current_task() is self._asks else None

    @abstractmethod
    def ask(
        self, messages: list[Message], rounds: list[Round], tools: Literal["auto", "none"]
    ) -> AsyncGenerator[str | Call, None]:
        """What the model says to `messages` and to what its tools answered so far, and the calls it wants made."""

    async def beside(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        async with aclosing(self.ask(messages, [], "none")) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    yield piece

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        rounds: list[Round] = []
        self._asked = [] if self.eyes.looking else messages  # the tokens of a picture say nothing of text's
        self._asks = asyncio.current_task()
        while True:
            said, last = Round(), len(rounds) >= self.settings.tool_rounds
            async with aclosing(self.ask(messages, rounds, "none" if last else "auto")) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Call):
                        said.calls.append(piece)
                    else:
                        said.text += piece
                        yield piece
            if not said.calls or last:
                return
            async with aclosing(self._work(said)) as signs:
                async for sign in signs:
                    yield sign
            rounds.append(said)
            if self.settings.tool_memory:
                self.memory.used(self.answering.gen, said, self.settings.tool_memory)

    async def _work(self, said: Round) -> AsyncGenerator[str, None]:
        """Have the tools called; signs of life meanwhile."""
        user = self.answering
        while not self.ctx.fence.committed[user.gen]:
            yield ""
            await self.ctx.clock.sleep(COMMIT_S)
        work = [asyncio.ensure_future(self.toolbox.run(call, user.gen, user.trace)) for call in said.calls]
        try:
            while (await asyncio.wait(work, timeout=LIFE_S))[1]:
                yield ""
            said.results = [each.result() for each in work]
        finally:
            for each in work:
                each.cancel()

    def used(self, read: int, written: int) -> None:
        """Count tokens, and what they cost in millionths of the currency of the prices.

        The first report on a conversation without tools says how this model counts.
        """
        if read and self._asked and asyncio.current_task() is self._asks:
            asked, self._asked = self._asked, []
            if not self.toolbox.tools:
                self.memory.tokens.learn([message["content"] for message in asked], read)
        self.ctx.count("tokens_in", read)
        self.ctx.count("tokens_out", written)
        if cost := round(read * self.settings.price_in + written * self.settings.price_out):
            self.ctx.count("cost_millionths", cost)

    def _import(self) -> None:
        for path in self.settings.tools:
            self.toolbox.add_function(path)

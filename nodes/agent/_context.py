"""Summaries of what an agent is about to forget, made by its own model beside the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Context
from vaidol.nodes.agent._memory import Conversation, Message
from vaidol.nodes.agent._persona import TAG

WITHIN_S = 30.0  # a summary that takes longer is given up
LONGEST = 4000  # characters of one; a model that does not stop is stopped


class Summaries:
    """One at a time. One that fails, is late or is stopped changes nothing: the next turn asks for it again.

    ask: messages in, the model's words out.
    """

    def __init__(self, ctx: Context, ask: Callable[[list[Message]], AsyncGenerator[str, None]]) -> None:
        self._ctx = ctx
        self._ask = ask
        self._work: asyncio.Task[None] | None = None

    def look(self, memory: Conversation) -> None:
        """Begin one if there is something to summarise."""
        if (self._work is None or self._work.done()) and memory.fading():
            self._work = self._ctx.spawn(self._summarise(memory))

    def stop(self) -> None:
        """Somebody waits for the model."""
        if self._work is not None:
            self._work.cancel()

    async def _summarise(self, memory: Conversation) -> None:
        old, text = memory.fading(), ""
        try:
            async with asyncio.timeout(WITHIN_S), aclosing(self._ask(memory.asks(old))) as pieces:
                async for piece in pieces:
                    text += piece
                    if len(text) > LONGEST:
                        break
        except (ProviderError, TimeoutError):
            text = ""
        told = " ".join(TAG.sub("", text).split())
        self._ctx.count("summaries" if told and memory.fade(old, told) else "summaries_failed")

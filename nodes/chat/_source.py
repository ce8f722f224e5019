"""The base of every chat platform: connects, keeps connected, and lets through what the settings allow."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import ClassVar, TypeVar

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Transcript
from vaidol.graph.node import Context, Node
from vaidol.graph.ports import Port
from vaidol.nodes.chat._crowd import ChatSettings, Crowd, Said

FIRST_S, LONGEST_S = 1.0, 60.0  # until a lost connection is tried again: doubled each time
STEADY_S = 60.0  # a connection that lasted so long was a good one

C = TypeVar("C", bound=ChatSettings)


class ChatSource(Node[C]):
    """-> chat (Transcript: `who` wrote it, `rank` 3 = paid, 2 = speaks to the avatar, 1 = asks, 0 = other)"""

    outputs: ClassVar[tuple[Port, ...]] = (Port("chat", Transcript, source=True),)

    def __init__(self, settings: C, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.crowd = Crowd(settings)

    @abstractmethod
    def messages(self) -> AsyncGenerator[Said, None]:
        """Connect, and give what is written until the connection ends. Raises `ProviderError`; one that is not
        `retryable` ends it for good."""

    async def run(self) -> None:
        """Listen for ever: a lost connection is told once and made again."""
        clock, wait_s = self.ctx.clock, FIRST_S
        told = ""
        while True:
            began = clock.s()
            try:
                async with aclosing(self.messages()) as messages:
                    async for said in messages:
                        told = ""
                        self._take(said)
            except ProviderError as error:
                if str(error) != told:
                    told = str(error)
                    self.ctx.trouble(told, code=error.code)
                if not error.retryable:
                    return
            wait_s = FIRST_S if clock.s() - began >= STEADY_S else min(2 * wait_s, LONGEST_S)
            await clock.sleep(wait_s)

    def _take(self, said: Said) -> None:
        said = self.crowd.clean(said)
        rank = self.crowd.judge(said, self.ctx.clock.s())
        if rank is not None:
            born = self.ctx.clock.ns()
            self.emit("chat", Transcript(text=said.text, who=said.name, rank=rank, typed=True, final=True, born=born))

"""The base of nodes that move a puppet outside the page: a steady stream of looks, and a peer that may go away."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, TypeVar

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Cue, Mouth
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.expression._stage import Look, Stage


class PuppeteerSettings(Settings):
    """What all puppets outside have in common."""

    fps: float = Field(30.0, ge=1, le=120)
    """Looks sent in a second."""
    delay_ms: float = Field(80.0, ge=0, le=2000)
    """From the moment a sound leaves the server to the moment it is heard, ms: how long the puppet waits."""
    retry_s: float = Field(2.0, gt=0, le=300)
    """First wait before the peer is tried again, s; it doubles up to 30 s."""


P = TypeVar("P", bound=PuppeteerSettings)
LONGEST_RETRY_S = 30.0


class Puppeteer(Node[P]):
    """mouth (Mouth), cue (Cue) -> nothing: the puppet is its end.

    A peer that is not there, or goes away, is told once and tried again for ever; the call is not touched by it.
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("mouth", Mouth, optional=True),
        Port("cue", Cue, optional=True, many=True),
    )

    alone = True

    def __init__(self, settings: P, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.stage = Stage(settings.delay_ms / 1000)

    def process(self, port: str, frame: Mouth | Cue) -> None:
        self.stage.take(frame, self.ctx.clock.s())

    def cut(self, cut: TurnCut) -> None:
        self.stage.cut()

    async def open(self) -> None:
        self.ctx.spawn(self._keep())

    async def _keep(self) -> None:
        wait_s, told = self.settings.retry_s, False
        while True:
            try:
                await self.connect()
                wait_s, told = self.settings.retry_s, False
                await self._play()
            except ProviderError as error:
                if not told or not error.retryable:
                    self.ctx.trouble(str(error), code=error.code)
                if not error.retryable:
                    return
                told = True
            finally:
                await self.disconnect()
            await self.ctx.clock.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_RETRY_S)

    async def _play(self) -> None:
        next_s = self.ctx.clock.s()
        while True:
            await self.show(self.stage.look(self.ctx.clock.s()))
            next_s = max(next_s + 1 / self.settings.fps, self.ctx.clock.s())
            await self.ctx.clock.sleep(next_s - self.ctx.clock.s())

    @abstractmethod
    async def connect(self) -> None:
        """Reach the peer. Raises `ProviderError`; one that is not `retryable` ends the trying."""

    @abstractmethod
    async def show(self, look: Look) -> None:
        """Make the puppet look like this. Raises `ProviderError`."""

    @abstractmethod
    async def disconnect(self) -> None:
        """Let go of the peer, also after a `connect` that failed."""

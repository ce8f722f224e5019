"""What the chats behind HTTP and WebSockets have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import Field

from vaidol.graph.node import Need
from vaidol.nodes._connections import connections_need
from vaidol.nodes._http import Fault, Service
from vaidol.nodes._provider import Provider, RemoteSettings
from vaidol.nodes.chat._crowd import ChatSettings
from vaidol.nodes.chat._source import ChatSource

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse


class RemoteChatSettings(ChatSettings, RemoteSettings):
    """A chat behind a network."""

    stall_s: float = Field(30.0, gt=0, le=600)
    """Wait for what must come regularly, s."""


R = TypeVar("R", bound=RemoteChatSettings)


class RemoteChat(ChatSource[R]):
    """A chat that is asked through the engine's pool of connections."""

    provider: ClassVar[Provider]
    faults: ClassVar[Mapping[str, Fault]] = {}

    @classmethod
    def needs(cls, settings: R) -> tuple[Need, ...]:
        return (connections_need(),)

    async def open(self) -> None:
        self.service = Service(self.ctx, self.settings, self.provider, self.subject, self.faults)
        await super().open()

    async def close(self) -> None:
        if hasattr(self, "service"):  # else `open` failed
            await self.service.close()

    @property
    def subject(self) -> str:
        """What a 404 means is missing."""
        return ""

    async def received(self, socket: ClientWebSocketResponse, limit_s: float) -> Any:
        """The next message of a WebSocket: bytes, a JSON value, or None with the close code in `socket.close_code`."""
        import aiohttp

        message = await self.service.next(socket.receive(), limit_s)
        if message.type is aiohttp.WSMsgType.BINARY:
            return message.data
        if message.type is not aiohttp.WSMsgType.TEXT:
            return None
        with self.service.parsed():
            return json.loads(message.data)

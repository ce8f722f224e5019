"""The messages of Azure's speech service over a WebSocket: headers, an empty line, a body; as its SDK writes them.

https://learn.microsoft.com/azure/ai-services/speech-service/ has the service, the SDK's source the protocol (USP).
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any

from vaidol.graph.errors import ProviderError
from vaidol.nodes._http import Service
from vaidol.nodes._provider import RemoteSettings

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse, WSMessage

MS = 10_000  # ticks of the service's clock in a ms
SYSTEM = {"context": {"system": {"name": "vaidol", "version": "1"}}}


def request_id() -> str:
    """The name of one turn, or of one connection."""
    return uuid.uuid4().hex


def address(settings: RemoteSettings, region: str, service: str) -> str:
    """Of the service `service` (stt, tts), without a path."""
    return (settings.base_url or f"https://{region}.{service}.speech.microsoft.com").rstrip("/")


def headers(settings: RemoteSettings) -> dict[str, str]:
    return {"Ocp-Apim-Subscription-Key": settings.key, "X-ConnectionId": request_id()}


def text_message(path: str, request: str, body: dict[str, Any] | str) -> str:
    """A message whose body is JSON, or SSML where it is a string."""
    kind = "application/ssml+xml" if isinstance(body, str) else "application/json; charset=utf-8"
    said = body if isinstance(body, str) else json.dumps(body)
    return f"{_head(path, request)}Content-Type:{kind}\r\n\r\n{said}"


def sound_message(request: str, data: bytes) -> bytes:
    """A message of sound; without any it is the last."""
    head = f"{_head('audio', request)}Content-Type:audio/x-wav\r\n".encode()
    return len(head).to_bytes(2, "big") + head + data


def taken(data: str | bytes) -> tuple[str, bytes]:
    """Path and body of a message of the service. Raises `ValueError`."""
    if isinstance(data, str):
        head, empty, said = data.partition("\r\n\r\n")
        body = said.encode()
    else:
        size, empty = int.from_bytes(data[:2], "big"), ":"
        head, body = data[2 : 2 + size].decode(), data[2 + size :]
    for line in head.split("\r\n") if empty else ():
        name, _, value = line.partition(":")
        if name.strip().casefold() == "path":
            return value.strip().casefold(), body
    raise ValueError("a message without a path")


class Line:
    """A connection that is kept from one turn to the next, for as long as both sides like. `place` gives path, headers
    and the rest, as aiohttp takes it, of a new one."""

    def __init__(self, service: Service, place: Callable[[], tuple[str, dict[str, str], dict[str, Any]]]) -> None:
        self._service = service
        self._place = place
        self._stack = AsyncExitStack()
        self._socket: ClientWebSocketResponse | None = None

    async def close(self) -> None:
        self._socket = None
        await self._stack.aclose()

    async def turn(self, messages: Iterable[str]) -> AsyncGenerator[tuple[str, bytes], None]:
        """Say `messages`; gives path and body of what is said to them. What ends before the turn does hangs up."""
        whole, limit_s = False, self._service.settings.first_s
        try:
            message = await self._begin(list(messages))
            while not whole:
                if not _speaks(message):
                    raise self._broken(message)
                with self._service.parsed():
                    path, body = taken(message.data)
                whole = path == "turn.end"
                yield path, body
                if not whole:
                    limit_s = self._service.settings.stall_s if path == "audio" else limit_s
                    message = await self._next(limit_s)
        finally:
            if not whole:
                await self.close()

    async def _begin(self, messages: list[str]) -> WSMessage:
        """The first answer; over a new connection where the other side has hung up the one that was kept."""
        if self._socket is not None:
            with suppress(ProviderError):
                if _speaks(message := await self._ask(messages)):
                    return message
            await self.close()
        return await self._ask(messages)

    async def _ask(self, messages: list[str]) -> WSMessage:
        """The first answer, over the connection that is kept, or a new one."""
        if self._socket is None:
            path, named, what = self._place()
            connection = self._service.socket(path, headers=named, **what)
            self._socket = await self._stack.enter_async_context(connection)
        with self._service.explained("broke the connection off"):
            for message in messages:
                await self._service.next(self._socket.send_str(message), self._service.settings.stall_s)
        return await self._next(self._service.settings.first_s)

    async def _next(self, limit_s: float) -> WSMessage:
        assert self._socket is not None
        with self._service.explained("broke the connection off"):
            return await self._service.next(self._socket.receive(), limit_s)

    def _broken(self, message: WSMessage) -> ProviderError:
        """Why the other side has hung up."""
        import aiohttp

        if message.type is aiohttp.WSMsgType.CLOSE and message.data == aiohttp.WSCloseCode.INVALID_TEXT:
            said = " ".join(str(message.extra or "").split())
            code = self._service.missing if "voice" in said.casefold() else "request"
            return self._service.wrong(f"did not accept the request: {said}", code)
        return self._service.wrong("broke the connection off", "unreachable", retryable=True)


def _speaks(message: WSMessage) -> bool:
    import aiohttp

    return message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)


def _head(path: str, request: str) -> str:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"Path:{path}\r\nX-RequestId:{request}\r\nX-Timestamp:{now}\r\n"

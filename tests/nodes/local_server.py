"""A local server that answers as told: with pieces of a good answer, and with every fault a service may have.

async with LocalServer(answer) as server:        # `answer(request, body)` gives a `Good`, or what is wrong as a string
    server.behave("stall", after=2)              # from the next request on
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from tests.local import Local

Behaviour = Literal[
    "normal", "400", "401", "402", "403", "404", "429", "later", "500", "html", "empty",
    "silent", "stall", "trickle", "reset", "drop", "half",
]  # fmt: skip
STATUSES: dict[str, tuple[str, dict[str, str]]] = {
    "400": ("text is too odd", {}),
    "401": ("Incorrect API key provided: sesame", {}),
    "402": ("Please top up", {}),
    "403": ("Your key sesame may not do this", {}),
    "404": ("there is no such thing", {}),
    "429": ("Rate limit reached", {"Retry-After": "12"}),
    "500": ("The engine is on fire", {}),
}
KEY = "sesame"


@dataclass
class Good:
    """A good answer: its content type and the pieces it comes in."""

    kind: str
    pieces: Sequence[bytes]


class LocalServer(Local):
    """`wrong` lists what clients did against the protocol."""

    def __init__(
        self, answer: Callable[[web.Request, bytes], Good | str], *, gap_s: float = 0.0,
        socket: Callable[[web.Request, web.WebSocketResponse], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.answer = answer
        self.socket = socket
        self.gap_s = gap_s
        self.asked: list[tuple[str, bytes]] = []  # path and body
        self.lists: dict[str, Any] = {}  # by path: what is told at any time, whatever the behaviour
        self.wrong: list[str] = []
        self.connections = 0
        self.behaviour: Behaviour = "normal"
        self.after = 0
        self._peers: set[Any] = set()

    def behave(self, behaviour: Behaviour, *, after: int = 0) -> None:
        self.behaviour, self.after = behaviour, after

    async def drop_all(self) -> None:
        """Hang up on everybody."""
        for transport in self._peers:
            transport.close()
        await asyncio.sleep(0.02)

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/{path:.*}", self._take)]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self._peers.add(request.transport)
        self.connections = len(self._peers)
        body = await request.read()
        if request.method == "GET" and request.path in self.lists:
            return web.json_response(self.lists[request.path])
        self.asked.append((request.path_qs, body))
        if self.behaviour in STATUSES:
            said, headers = STATUSES[self.behaviour]
            return web.json_response({"error": {"message": said}}, status=int(self.behaviour), headers=headers)
        if self.behaviour == "later":
            self.behaviour = "normal"
            return web.json_response({"detail": "busy"}, status=429, headers={"Retry-After": "0.1"})
        if self.behaviour == "html":
            return web.Response(text="<html>Welcome to the router</html>", content_type="text/html")
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket" and self.socket:
                return await self._talk(request)
            if self.behaviour == "silent":
                await self.closing.wait()
            good = self.answer(request, body)
            if isinstance(good, str):
                self.wrong.append(good)
                return web.json_response({"error": good}, status=400)
            return await self._stream(request, good)
        except (asyncio.CancelledError, ConnectionError):
            self.left += 1
            raise

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        if self.behaviour == "silent":
            await self.closing.wait()
        socket = web.WebSocketResponse(protocols=("USP",))
        await socket.prepare(request)
        assert self.socket is not None
        await self.socket(request, socket)
        self.left += socket.close_code == 1006
        return socket

    async def misbehave(self, request: web.Request) -> bool:
        """The fault that comes in the middle; True when the answer is to end here."""
        match self.behaviour:
            case "stall":
                await self.closing.wait()
            case "reset" | "drop":
                assert request.transport is not None
                request.transport.abort() if self.behaviour == "reset" else request.transport.close()
                raise ConnectionResetError
        return self.behaviour in ("half", "empty")

    async def _stream(self, request: web.Request, good: Good) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": good.kind})
        await response.prepare(request)
        for number, piece in enumerate(good.pieces):
            if number == self.after and self.behaviour != "normal":
                if self.behaviour == "trickle":
                    await self._trickle(response, piece)
                    continue
                if self.behaviour == "half":
                    await response.write(piece[: len(piece) // 2])
                if await self.misbehave(request):
                    break
            await response.write(piece)
            await asyncio.sleep(self.gap_s)
        await response.write_eof()
        return response

    async def _trickle(self, response: web.StreamResponse, piece: bytes) -> None:
        for at in range(0, len(piece), 16):
            await response.write(piece[at : at + 16])
            await asyncio.sleep(0)


def parsed(body: bytes) -> Any:
    """The JSON in a request, {} if it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return {}

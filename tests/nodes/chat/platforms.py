"""The chat platforms on this machine: small servers that speak what the real ones speak, and hang up when told to."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from tests.graphs import running, sink
from vaidol.graph.clock import Clock
from vaidol.graph.frames import Transcript
from vaidol.graph.scheduler import Graph
from vaidol.nodes._connections import Connections
from vaidol.nodes.chat import bilibili

KEY = "the-key"


@asynccontextmanager
async def listening(kind: str, **settings: Any) -> AsyncIterator[Graph]:
    """A graph in which `ear` gets what the chat lets through."""
    nodes = {"chat": (kind, settings), "ear": sink(Transcript)}
    async with running(nodes, ["chat.chat -> ear.in"], shared={"connections": Connections()}) as graph:
        yield graph


def heard(graph: Graph) -> list[Transcript]:
    return [frame for _, frame in graph.node("ear").__dict__.get("got", [])]


async def until(happened: Callable[[], object], what: str) -> None:
    clock = Clock(asyncio.get_running_loop())
    ends = clock.s() + 15
    while not happened():
        assert clock.s() < ends, f"never: {what}"
        await asyncio.sleep(0.01)


class Irc:
    """Twitch: `lines` go to everybody who has joined; `hang_up` ends all connections."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.joined = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._serving: set[asyncio.Task[None] | None] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"irc://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            self.hang_up()
            server.close()
            await server.wait_closed()
            await until(lambda: not self._serving, "everybody has gone")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._serving.add(task := asyncio.current_task())
        while line := (await reader.readline()).decode():
            self.got.append(line.strip())
            if line.startswith("JOIN"):
                self.joined += 1
        writer.close()
        self._serving.discard(task)

    def send(self, *lines: str) -> None:
        for writer in self._writers:
            for line in lines:
                writer.write(f"{line}\r\n".encode())

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()


class Site:
    """A server of HTTP routes and WebSockets at a local address."""

    def __init__(self) -> None:
        self.app = web.Application()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        async with TestServer(self.app) as server:
            yield str(server.make_url("")).rstrip("/")


class Youtube(Site):
    """Answers with the pages put into it, one for each question."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.live = True
        self.app.router.add_get("/videos", self._video)
        self.app.router.add_get("/liveChat/messages", self._messages)

    async def _video(self, request: web.Request) -> web.Response:
        if request.query.get("key") != KEY:
            return web.json_response({"error": {"message": "API key not valid."}}, status=403)
        details = {"activeLiveChatId": "chat-1"} if self.live else {}
        known = request.query["id"] == "abc"
        return web.json_response({"items": [{"liveStreamingDetails": details}] if known else []})

    async def _messages(self, request: web.Request) -> web.Response:
        self.asked.append(request.query.get("pageToken", ""))
        page = self.pages.pop(0) if self.pages else {"items": []}
        told = {"nextPageToken": f"page-{len(self.asked)}", "pollingIntervalMillis": 10, **page}
        return web.json_response(told)


def written(number: int, name: str, text: str, kind: str = "textMessageEvent") -> dict[str, Any]:
    """One message as YouTube tells it."""
    author = {"channelId": f"channel-{name}", "displayName": name}
    return {"id": f"id-{number}", "snippet": {"type": kind, "displayMessage": text}, "authorDetails": author}


class Socket(Site):
    """A WebSocket that does what `serve` does, for each connection."""

    def __init__(self, path: str, serve: Callable[[web.WebSocketResponse, int], Awaitable[None]]) -> None:
        super().__init__()
        self.count = 0
        self._serve = serve
        self.app.router.add_get(path, self._join)

    async def _join(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.count += 1
        await self._serve(socket, self.count)
        return socket


async def until_closed(socket: web.WebSocketResponse, got: list[Any]) -> None:
    """Keep what comes until the other side hangs up."""
    while (message := await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
        got.append(json.loads(message.data) if message.type is WSMsgType.TEXT else message.data)


def danmaku(*messages: dict[str, Any], deflated: bool = True) -> bytes:
    """Bilibili's packet with these messages."""
    inner = b"".join(bilibili.packed(bilibili.MESSAGE, json.dumps(one).encode(), bilibili.PLAIN) for one in messages)
    return bilibili.packed(bilibili.MESSAGE, zlib.compress(inner), bilibili.DEFLATED) if deflated else inner

"""The chat platforms on this machine: small servers that speak what the real ones speak, and hang up when told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from tests.graphs import running, sink
from vaidol.graph.clock import Clock
from vaidol.graph.frames import Mark, Sentence, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.nodes._connections import Connections
from vaidol.nodes.chat import twitch

KEY = "the-key"
REFUSED_LOGIN = ":tmi.twitch.tv NOTICE * :Login authentication failed"


class Voice(Node[Settings]):
    """Answers messages when a test says so."""

    outputs = (Port("answers", Transcript, source=True), Port("spoken", Mark, source=True))

    def answer(self, message: Transcript, text: str) -> None:
        gen = self.ctx.fence.begin(1)
        said = Sentence(text=text, gen=gen)
        self.emit("answers", replace(message, gen=gen))
        self.emit("spoken", Mark(kind="sentence_end", sentence=said, gen=gen))
        self.emit("spoken", Mark(kind="reply_end", gen=gen))


@asynccontextmanager
async def listening(kind: str, **settings: Any) -> AsyncIterator[Graph]:
    """A graph in which `ear` gets what the chat lets through, and `voice` answers it."""
    nodes: dict[str, Any] = {"chat": (kind, settings), "ear": sink(Transcript), "voice": Voice}
    edges = ["chat.chat -> ear.in", "voice.answers -> chat.answers", "voice.spoken -> chat.spoken"]
    async with running(nodes, edges, shared={"connections": Connections()}) as graph:
        graph.node("chat")._poster._gap_s = 0.02
        yield graph


def errors(graph: Graph) -> list[str]:
    return [event.text for event in graph.events if event.name == "error"]


def heard(graph: Graph) -> list[Transcript]:
    return [frame for _, frame in graph.node("ear").__dict__.get("got", [])]


async def until(happened: Callable[[], object], what: str) -> None:
    clock = Clock(asyncio.get_running_loop())
    ends = clock.s() + 15
    while not happened():
        assert clock.s() < ends, f"never: {what}"
        await asyncio.sleep(0.01)


class Irc:
    """Twitch: `send` goes to everybody; `hang_up` ends all connections. Guests may read, who knows `KEY` may write."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.wrote: list[str] = []  # lines that others in the channel see
        self.notice = ""  # what a message is answered with instead of being written
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
        key = name = ""
        while line := (await reader.readline()).decode():
            self.got.append(line.strip())
            tags, _, command, rest = twitch.parse(line)
            if command == "PASS":
                key = rest[0]
            elif command == "NICK":
                name = rest[0]
                welcome = name.startswith("justinfan") or key == f"oauth:{KEY}"
                first = f":tmi.twitch.tv 001 {name} :Welcome, GLHF!"
                writer.write(f"{first if welcome else REFUSED_LOGIN}\r\n".encode())
            elif command == "JOIN":
                self.joined += 1
            elif command == "PRIVMSG" and key:
                self._write(name, tags, rest, writer)
        writer.close()
        self._serving.discard(task)

    def _write(self, name: str, tags: dict[str, str], rest: list[str], writer: asyncio.StreamWriter) -> None:
        if self.notice:
            writer.write(f"{self.notice}\r\n".encode())
        else:
            self.wrote.append(f"{name} in {rest[0]} to {tags.get('reply-parent-msg-id', 'all')}: {rest[1]}")
            writer.write(f"@display-name={name} :tmi.twitch.tv USERSTATE {rest[0]}\r\n".encode())

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

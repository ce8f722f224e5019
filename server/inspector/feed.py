"""The WebSocket `/api/inspect`: JSON both ways, and sound as bytes (`sounds.HEAD`). Whoever reads slowly gets less.

viewer -> server: watch {session | null}, tap {edge, listen}, untap {edge}, seen {n}
server -> viewer: hello {v, beat_ms}, sessions {sessions}, watching {session | null}, plan {session, plan},
  meters {at, loop, nodes, edges ...: what changed}, events {events}, answers {answers}, tapped {edge, tap, listen},
  untapped {edge, message}, frames {tap, lost, frames}, error {message}
They come in a message `beat {n, news: [...]}`, sound before it; the viewer answers with `seen {n}`. Who owes `WINDOW`
of these answers gets no more.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Literal

from aiohttp import WSMsgType, web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from vaidol.graph.clock import Clock
from vaidol.graph.registry import Registry
from vaidol.server.access import PROTOCOL, refusal
from vaidol.server.inspector.watch import Message, Watch
from vaidol.server.sessions import Sessions

VERSION = 1
BEAT_S = 0.16  # 6 snapshots a second
WINDOW = 4  # beats on the way: more would only lie in buffers and come late
SEND_S = 15.0  # a viewer that takes nothing for so long is let go
HEARTBEAT_S = 20.0
VIEWERS = 16
ANSWERS_WAITING = 32
MAX_BYTES = 4096  # of one message from a viewer


class _Wish(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class WatchWish(_Wish):
    t: Literal["watch"]
    session: Annotated[str, Field(max_length=64)] | None


class TapWish(_Wish):
    t: Literal["tap"]
    edge: Annotated[str, Field(max_length=256)]
    listen: bool = False


class UntapWish(_Wish):
    t: Literal["untap"]
    edge: Annotated[str, Field(max_length=256)]


class Seen(_Wish):
    t: Literal["seen"]
    n: Annotated[int, Field(ge=0)]


Wish = WatchWish | TapWish | UntapWish | Seen
WISH: TypeAdapter[Wish] = TypeAdapter(Annotated[Wish, Field(discriminator="t")])


class Feed:
    """The route, and who is on it."""

    def __init__(self, sessions: Sessions, registry: Registry, clock: Clock) -> None:
        self._sessions = sessions
        self._registry = registry
        self._clock = clock
        self._viewers: set[Viewer] = set()

    def __len__(self) -> int:
        return len(self._viewers)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /api/inspect: a WebSocket that tells how a running session is doing."""
        if len(self._viewers) >= VIEWERS:
            return refusal(503, "full", f"{VIEWERS} inspectors are open already; close one", 10)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=MAX_BYTES, compress=False, protocols=(PROTOCOL,)
        )
        if not socket.can_prepare(request):
            return refusal(426, "websocket", "this address speaks WebSocket")
        await socket.prepare(request)
        viewer = Viewer(socket, self._sessions, self._registry, self._clock)
        self._viewers.add(viewer)
        try:
            await viewer.run()
        finally:
            self._viewers.discard(viewer)
        return socket

    async def close(self) -> None:
        """The server stops."""
        for viewer in tuple(self._viewers):
            await viewer.leave()


class Viewer:
    """One connection. Each beat sends what there is since the last one, but none while the viewer is behind.

    So a slow viewer costs less than a quick one, and what waits for it is bounded by the queues of its `Watch`.
    """

    def __init__(self, socket: web.WebSocketResponse, sessions: Sessions, registry: Registry, clock: Clock) -> None:
        self._socket = socket
        self._sessions = sessions
        self._registry = registry
        self._clock = clock
        self._wanted: str | None = None
        self._watch: Watch | None = None
        self._told: list[Message] | None = None  # the sessions, as told last
        self._replies: asyncio.Queue[Message] = asyncio.Queue(ANSWERS_WAITING)
        self._sent = self._seen = 0  # beats

    async def run(self) -> None:
        """Serve until the viewer goes, or takes nothing any more."""
        try:
            async with asyncio.TaskGroup() as tasks:
                beating = tasks.create_task(self._beat(), name="inspector")
                async for message in self._socket:
                    if message.type is WSMsgType.TEXT:
                        self._hear(message.data)
                beating.cancel()
        finally:
            self._look_away()

    async def leave(self) -> None:
        async with asyncio.timeout(1):
            await self._socket.close(code=1001, message=b"server stops")

    # from the viewer

    def _hear(self, raw: str) -> None:
        try:
            wish = WISH.validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            self._reply({"t": "error", "message": f"{'.'.join(map(str, first['loc']))}: {first['msg']}".strip(": ")})
            return
        if isinstance(wish, Seen):
            self._seen = max(self._seen, min(wish.n, self._sent))
        elif isinstance(wish, WatchWish):
            self._look_away()
            self._wanted = wish.session
            self._reply({"t": "watching", "session": wish.session})
            self._look()
        elif self._watch is None:
            self._reply({"t": "error", "message": "watch a session first"})
        elif isinstance(wish, TapWish):
            self._reply(self._watch.tap(wish.edge, listen=wish.listen))
        else:
            self._watch.untap(wish.edge)

    def _reply(self, message: Message) -> None:
        """Queue an answer; a viewer that asks without listening loses the oldest."""
        if self._replies.full():
            self._replies.get_nowait()
        self._replies.put_nowait(message)

    def _look_away(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    # to the viewer

    async def _beat(self) -> None:
        quiet_s = 0.0  # since the viewer owes too many answers
        try:
            self._reply({"t": "hello", "v": VERSION, "beat_ms": BEAT_S * 1000})
            while quiet_s < SEND_S:
                if self._sent - self._seen < WINDOW:
                    quiet_s = 0.0
                    await self._tell(self._news())
                else:
                    quiet_s += BEAT_S
                await self._clock.sleep(BEAT_S)
        except (TimeoutError, ConnectionError):
            pass  # it is gone, or as good as gone
        await self._socket.close(code=1008, message=b"too slow")

    async def _tell(self, news: list[Message | bytes]) -> None:
        """One beat: every message costs, so that all that is no sound goes as one."""
        if not news:
            return
        self._sent += 1
        for sound in news:
            if isinstance(sound, bytes):
                await self._send(sound)
        await self._send({"t": "beat", "n": self._sent, "news": [one for one in news if not isinstance(one, bytes)]})

    async def _send(self, message: Message | bytes) -> None:
        async with asyncio.timeout(SEND_S):
            if isinstance(message, bytes):
                await self._socket.send_bytes(message)
            else:
                await self._socket.send_str(json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    def _news(self) -> list[Message | bytes]:
        found: list[Message | bytes] = []
        while not self._replies.empty():
            found.append(self._replies.get_nowait())
        sessions = [{"id": s.id, "state": s.state, "born_ms": round(s.born_s * 1000)} for s in self._sessions]
        if sessions != self._told or self._told is None:
            found.append({"t": "sessions", "at": round(self._clock.s() * 1000), "sessions": sessions})
            self._told = sessions
        self._look()
        if self._watch is not None:
            found += self._watch.messages()
        return found

    def _look(self) -> None:
        """Follow the wanted session: its graph may not be there yet, or be gone."""
        graph = next((s.graph for s in self._sessions if s.id == self._wanted), None)
        if self._watch is not None and self._watch.graph is not graph:
            self._look_away()
            self._reply({"t": "watching", "session": None})
            self._wanted = None
        if self._watch is None and graph is not None:
            self._watch = Watch(graph, self._registry)

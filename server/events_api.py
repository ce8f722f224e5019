"""What happens in the calls, as it happens: server-sent events over REST."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

from vaidol.graph.clock import Clock
from vaidol.graph.events import Event
from vaidol.graph.scheduler import Graph
from vaidol.server.access import refusal
from vaidol.server.running import Running

WAITING = 1000  # events that wait for a listener who reads slowly; older ones are left out, and counted
LISTENERS = 32
BEAT_S = 15.0  # a comment now and then, so that nobody on the way takes the line for dead
SEND_S = 10.0


class _Listener:
    """One who listens; `session` "" = to all of them."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.waiting: deque[str] = deque()
        self.left_out = 0
        self.more = asyncio.Event()

    def put(self, line: str) -> None:
        if len(self.waiting) >= WAITING:
            self.waiting.popleft()
            self.left_out += 1
        self.waiting.append(line)
        self.more.set()


class Events:
    """`GET /api/events[?session=ID]`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listeners: set[_Listener] = set()
        self._closed = False

    def attend(self, session: Running, graph: Graph) -> Callable[[], None]:
        """Tell the listeners what happens in `graph` from now on; returns what ends that."""
        ended = graph.events.listen(lambda event: self._tell(session.id, _told(event)))
        self._tell(session.id, {"event": "session_begin"})

        def end() -> None:
            ended()
            self._tell(session.id, {"event": "session_end"})

        return end

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /api/events: what happens in all sessions, or in one (?session=ID), as server-sent events."""
        if len(self._listeners) >= LISTENERS:
            return refusal(503, "full", f"{LISTENERS} listen already", 5)
        listener = _Listener(request.query.get("session", ""))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        self._listeners.add(listener)
        try:
            await self._send(response, ": here\n\n")
            while not self._closed:
                await self._send(response, await self._next(listener))
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self._listeners.discard(listener)
        return response

    async def close(self) -> None:
        """Let everybody go."""
        self._closed = True
        for listener in self._listeners:
            listener.more.set()

    async def _next(self, listener: _Listener) -> str:
        """All that waits; a comment when nothing came for a while."""
        if not listener.waiting:
            listener.more.clear()
            try:
                async with asyncio.timeout(BEAT_S):
                    await listener.more.wait()
            except TimeoutError:
                return ": still here\n\n"
        lines = "".join(listener.waiting)
        listener.waiting.clear()
        if listener.left_out:
            lines = f"event: left_out\ndata: {listener.left_out}\n\n{lines}"
            listener.left_out = 0
        return lines

    async def _send(self, response: web.StreamResponse, text: str) -> None:
        async with asyncio.timeout(SEND_S):
            await response.write(text.encode())

    def _tell(self, session: str, told: dict[str, Any]) -> None:
        concerned = [one for one in self._listeners if one.session in ("", session)]
        if concerned:
            line = f"data: {json.dumps({'session': session, **told}, ensure_ascii=False)}\n\n"
            for listener in concerned:
                listener.put(line)


def _told(event: Event) -> dict[str, Any]:
    told: dict[str, Any] = {"event": event.name, "at_ms": round(event.ns / 1e6, 1)}
    for name in ("node", "gen", "trace", "text", "value", "code"):
        if value := getattr(event, name):
            told[name] = value
    return told

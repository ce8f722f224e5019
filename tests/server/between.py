"""A reverse proxy that puts a server below a path, and beside it a page of somebody else's, on a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import ClientSession, WSMsgType, web

PREFIX = "/some/path"
HOPS = {"connection", "host", "keep-alive", "transfer-encoding", "upgrade", "content-length", "content-encoding"}


class Between:
    """`port`: where it listens; `seen`: paths that were asked for outside the prefix."""

    def __init__(self, server: str) -> None:
        self._server = server
        self.port = 0
        self.seen: list[str] = []
        self.ready = threading.Event()
        self.over: asyncio.Event
        self.loop: asyncio.AbstractEventLoop

    async def run(self) -> None:
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=2**22)
        app.router.add_get("/evil", self._evil)
        app.router.add_route("*", f"{PREFIX}/{{path:.*}}", self._pass)
        app.router.add_route("*", "/{path:.*}", self._outside)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        async with ClientSession(auto_decompress=False) as self._http:
            self.ready.set()
            await self.over.wait()
            await runner.cleanup()

    async def _evil(self, _: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Win a prize</title>", content_type="text/html")

    async def _outside(self, request: web.Request) -> web.Response:
        self.seen.append(request.path)
        return web.Response(status=404)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.removeprefix(PREFIX)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOPS}
        headers |= {
            "X-Forwarded-For": request.remote or "", "X-Forwarded-Proto": "http", "X-Forwarded-Host": request.host,
        }  # fmt: skip
        if "Upgrade" in request.headers:
            return await self._socket(request, path, headers)
        body = await request.read()
        way = {"headers": headers, "data": body or None, "allow_redirects": False}
        async with self._http.request(request.method, self._server + path, **way) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOPS}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    async def _socket(self, request: web.Request, path: str, headers: dict[str, str]) -> web.StreamResponse:
        headers = {name: value for name, value in headers.items() if not name.lower().startswith("sec-websocket")}
        near = web.WebSocketResponse()
        await near.prepare(request)

        async def hand_on(source: Any, target: Any) -> None:
            async for message in source:
                if message.type is WSMsgType.TEXT:
                    await target.send_str(message.data)
                elif message.type is WSMsgType.BINARY:
                    await target.send_bytes(message.data)
            await target.close()

        async with self._http.ws_connect(self._server + path, headers=headers) as far:
            await asyncio.gather(hand_on(near, far), hand_on(far, near), return_exceptions=True)
        return near


@contextmanager
def between(server: str) -> Iterator[Between]:
    """In front of the server at the address `server`, such as http://127.0.0.1:12393."""
    made = Between(server)
    thread = threading.Thread(target=lambda: asyncio.run(made.run()))
    thread.start()
    try:
        assert made.ready.wait(20)
        yield made
    finally:
        made.loop.call_soon_threadsafe(made.over.set)
        thread.join()

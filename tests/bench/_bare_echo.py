"""A bare aiohttp server that answers every message of a WebSocket with one of the same length as vaidol's answer."""

from __future__ import annotations

import sys

from aiohttp import web


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.json()["type"] == "heartbeat":
            await socket.send_str('{"type":"heartbeat-ack"}')
    return socket


app = web.Application()
app.router.add_get("/client-ws", echo)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)

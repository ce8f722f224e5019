"""Discord on this machine."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import WSMsgType, web

from tests.nodes.chat.platforms import KEY, Site


class Discord(Site):
    """The gateway at `/`, and what bots may write. `send` tells whoever is connected; what is not heard is kept."""

    def __init__(self, beat_ms: int = 30) -> None:
        super().__init__()
        self.beat_ms = beat_ms
        self.got: list[Any] = []
        self.wrote: list[dict[str, Any]] = []
        self.refuses: list[web.Response] = []  # what the next messages are answered with
        self.deaf = False  # heartbeats are not answered
        self.closes = 0  # code with which the next who comes is sent away
        self.codes: list[int | None] = []  # with which connections ended
        self._told: list[dict[str, Any]] = []  # of the session, by number
        self._sockets: list[web.WebSocketResponse] = []
        self.app.router.add_get("/", self._join)
        self.app.router.add_post("/api/channels/{channel}/messages", self._create)

    async def send(self, kind: str, data: Any) -> None:
        self._told.append({"op": 0, "s": len(self._told) + 1, "t": kind, "d": data})
        for socket in self._sockets:
            await socket.send_json(self._told[-1])

    async def ask(self, op: int, data: Any = None) -> None:
        for socket in tuple(self._sockets):
            await socket.send_json({"op": op, "d": data})

    async def break_off(self) -> None:
        """As a network does: without a word."""
        for socket in tuple(self._sockets):
            self._sockets.remove(socket)
            assert socket._req is not None
            assert socket._req.transport is not None
            socket._req.transport.abort()

    async def _join(self, request: web.Request) -> web.StreamResponse:
        assert request.query["v"] == "10"
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": self.beat_ms}})
        first = await socket.receive_json()
        while first["op"] == 1:
            first = await socket.receive_json()
        self.got.append(first)
        if self.closes or first["d"]["token"] != KEY:
            code, self.closes = self.closes or 4004, 0
            await socket.close(code=code)
            return socket
        if first["op"] == 2:
            self._told = [{}]
            url = str(request.url.origin()).replace("http", "ws", 1)
            user = {"id": "1", "username": "vai", "discriminator": "0", "avatar": None, "bot": True}
            ready = {"v": 10, "user": user, "guilds": [], "session_id": "session", "resume_gateway_url": url}
            await socket.send_json({"op": 0, "s": 1, "t": "READY", "d": ready})
        else:
            for told in self._told[first["d"]["seq"] :]:
                await socket.send_json(told)
            self._told.append({"op": 0, "s": len(self._told) + 1, "t": "RESUMED", "d": {}})
            await socket.send_json(self._told[-1])
        self._sockets.append(socket)
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            self.got.append(told := json.loads(message.data))
            if told["op"] == 1 and not self.deaf:
                await socket.send_json({"op": 11})
        self.codes.append(socket.close_code)
        if socket in self._sockets:
            self._sockets.remove(socket)
        return socket

    async def _create(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"Bot {KEY}" or not request.headers["User-Agent"].startswith(
            "DiscordBot ("
        ):
            return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)
        if self.refuses:
            return self.refuses.pop(0)
        self.wrote.append({"channel": request.match_info["channel"], **(await request.json())})
        return web.json_response({"id": "99", "channel_id": request.match_info["channel"]})


def discord_message(number: int, text: str, *, bot: bool = False, channel: str = "42") -> dict[str, Any]:
    """One message as Discord tells it; it mentions the bot."""
    author = {"id": str(number), "username": f"user{number}", "bot": bot}
    data = {"id": f"10{number}", "channel_id": channel, "author": author, "content": text}
    return {**data, "mentions": [{"id": "1", "username": "v"}]}

"""The other side of Deepgram's /v1/listen; Deepgram's own client (7.17) is content with it."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from aiohttp import web

from tests.nodes.local_server import KEY, LocalServer


class Deepgram:
    """The other side of /v1/listen: interim results as sound comes, and the rest on CloseStream."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.came = 0  # bytes of sound

    async def talk(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        wanted = _differs(request.query, encoding="linear16", sample_rate="16000", interim_results="true")
        wanted += _differs(request.headers, Authorization=f"Token {KEY}")
        self.server.wrong += [wanted] if wanted else []
        self.came = messages = 0
        async for message in socket:
            if messages == self.server.after and await self.server.misbehave(request):
                await socket.send_str('{"type": "Results", "channel": {"alternat')
            messages += 1
            if message.type is aiohttp.WSMsgType.BINARY:
                self.came += len(message.data)
                await self._tell(socket, "Hello" if self.came < 16_000 else "Hello you", final=False)
            elif json.loads(message.data) == {"type": "CloseStream"}:
                self.server.wrong += [] if abs(self.came - 32_000) < 100 else [f"{self.came} bytes came"]
                for text in ("Hello you", "", "there."):
                    await self._tell(socket, text, final=True)
                await socket.send_json({"type": "Metadata", "request_id": "1"})
                return

    async def _tell(self, socket: web.WebSocketResponse, text: str, *, final: bool) -> None:
        told = {"type": "Results", "is_final": final, "channel": {"alternatives": [{"transcript": text}]}}
        await socket.send_json(told)


def _differs(told: Any, **wanted: str) -> str:
    return "; ".join(f"{name} is {told.get(name)!r}" for name, value in wanted.items() if told.get(name) != value)

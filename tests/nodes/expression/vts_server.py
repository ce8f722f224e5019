"""A stand-in for VTube Studio: its plug-in API on a real WebSocket, with one model, a token and a user."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

TOKEN = "token-of-the-user"


class VtsServer:
    """`grants`: the user presses allow. `mode`: "", "garbage", "silent" or "goes away" (after login)."""

    def __init__(self, *, grants: bool = True, mode: str = "") -> None:
        self.grants = grants
        self.mode = mode
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.logins = 0
        app = web.Application()
        app.router.add_get("/", self._serve)
        self._server = TestServer(app, host="127.0.0.1")

    async def __aenter__(self) -> VtsServer:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.port}/"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [data for asked, data in self.asked if asked == kind]

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        known = False
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            told = json.loads(message.data)
            assert (told["apiName"], told["apiVersion"]) == ("VTubeStudioPublicAPI", "1.0")
            kind, data = told["messageType"], told["data"]
            self.asked.append((kind, data))
            if self.mode == "garbage":
                await socket.send_str("[1, 2")
                continue
            if self.mode == "silent":
                continue
            answer, reply = self._answer(kind, data, known)
            known = known or bool(reply.get("authenticated"))
            envelope = {"apiName": "VTubeStudioPublicAPI", "apiVersion": "1.0", "requestID": told["requestID"]}
            await socket.send_str(json.dumps({**envelope, "messageType": answer, "data": reply}))
            if self.mode == "goes away" and kind == "InjectParameterDataRequest":
                break
        return socket

    def _answer(self, kind: str, data: dict[str, Any], known: bool) -> tuple[str, dict[str, Any]]:
        if kind == "AuthenticationTokenRequest":
            if self.grants:
                return "AuthenticationTokenResponse", {"authenticationToken": TOKEN}
            return "APIError", {"errorID": 50, "message": "User has denied API access for your plugin."}
        if kind == "AuthenticationRequest":
            right = data["authenticationToken"] == TOKEN
            self.logins += right
            return "AuthenticationResponse", {"authenticated": right, "reason": ""}
        if not known:
            return "APIError", {"errorID": 8, "message": "You are not authenticated."}
        if kind == "ExpressionActivationRequest" and data["expressionFile"] != "happy.exp3.json":
            return "APIError", {"errorID": 450, "message": "No such expression."}
        return kind.replace("Request", "Response"), {}

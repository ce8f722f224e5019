"""A real local server that speaks the OpenAI chat protocol, well or badly, as told.

async with OpenaiServer() as server:
    ... base_url=server.url ...
    server.behave("stall", after=2)       # from the next request on
    server.asked[-1]["messages"]          # what came
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from aiohttp import web

from tests.local import Local

Behaviour = Literal[
    "normal", "empty", "401", "403", "404", "429", "later", "500", "html", "json",
    "stall", "trickle", "reset", "drop", "garbage", "half_json", "no_chunk", "error_event",
]  # fmt: skip
SENT = {
    "garbage": b"\xff\xfe this is not JSON",
    "half_json": b'{"choices": [{"delta": {"con',
    "no_chunk": b'["a", "list"]',
    "error_event": b'{"error": {"message": "the model ran out of memory"}}',
}
STATUSES: dict[str, tuple[str, dict[str, str]]] = {
    "401": ("Incorrect API key provided: sk-secret", {}),
    "403": ("Your key may not do this", {}),
    "404": ("model not found, try pulling it first", {}),
    "429": ("Rate limit reached", {"Retry-After": "12"}),
    "500": ("The engine is on fire", {}),
}
REPLY = "[joy] Hello there! I hear you, and I am happy. What shall we talk about?"


def answer(messages: list[dict[str, Any]]) -> str:
    """The default reply."""
    return REPLY


class OpenaiServer(Local):
    """`reply` makes the text of an answer from the messages; `key`: the only one that is let in ("" = all);
    `gap_s`: real time between two pieces.
    """

    path = "/v1"

    def __init__(
        self, *, reply: Callable[[list[dict[str, Any]]], str] = answer, key: str = "", gap_s: float = 0.0
    ) -> None:
        super().__init__()
        self.reply = reply
        self.key = key
        self.gap_s = gap_s
        self.asked: list[dict[str, Any]] = []  # bodies of the requests
        self.headers: list[Mapping[str, str]] = []
        self.calls: list[list[tuple[str, str]]] = []  # for each of the next requests: tools to call, with arguments
        self._behaviour: Behaviour = "normal"
        self._after = 0

    def behave(self, behaviour: Behaviour, *, after: int = 0) -> None:
        """Answer so from the next request on; `after`: pieces of a good answer that come before the fault."""
        self._behaviour, self._after = behaviour, after

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/chat/completions", self._complete), web.get("/v1/models", self._models)]

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "test", "object": "model"}]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(request.headers)
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return _refusal("401")
        if self._behaviour in STATUSES:
            return _refusal(self._behaviour)
        if self._behaviour == "later":
            self._behaviour = "normal"
            return web.json_response({"error": {"message": "busy"}}, status=429, headers={"Retry-After": "0.1"})
        if self._behaviour == "html":
            return web.Response(text="<html>Welcome to the router</html>", content_type="text/html")
        if self._behaviour == "json":
            return web.json_response({"choices": [{"message": {"role": "assistant", "content": REPLY}}]})
        try:
            return await self._stream(request, body)
        except (asyncio.CancelledError, ConnectionError):
            self.left += 1
            raise

    async def _stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await _send(response, _chunk({"role": "assistant", "content": ""}))
        calls = self.calls.pop(0) if self.calls else []
        for number, (name, arguments) in enumerate(calls):
            for piece in _call(number, name, arguments):
                await _send(response, _chunk({"tool_calls": [piece]}))
        text = "" if self._behaviour == "empty" or calls else self.reply(body["messages"])
        pieces = [text[at : at + 4] for at in range(0, len(text), 4)]
        for number, piece in enumerate(pieces):
            if self._behaviour != "normal" and number == self._after:
                await self._misbehave(request, response)
            await _send(response, _chunk({"content": piece}))
            await asyncio.sleep(self.gap_s)
        await _send(response, _chunk({}, finish="tool_calls" if calls else "stop"))
        if body.get("stream_options") == {"include_usage": True}:
            usage = {"prompt_tokens": 40, "completion_tokens": len(pieces), "total_tokens": 40 + len(pieces)}
            await _send(response, json.dumps({**json.loads(_chunk({})), "choices": [], "usage": usage}))
        await _send(response, "[DONE]")
        await response.write_eof()
        return response

    async def _misbehave(self, request: web.Request, response: web.StreamResponse) -> None:
        match self._behaviour:
            case "stall":
                await self.closing.wait()
            case "trickle":  # signs of life, and no text
                while not self.closing.is_set():
                    await response.write(b": still thinking\n\n")
                    await asyncio.sleep(0.02)
            case "reset" | "drop":
                assert request.transport is not None
                request.transport.abort() if self._behaviour == "reset" else request.transport.close()
                raise ConnectionResetError
            case wrong:
                await response.write(b"data: " + SENT[wrong] + b"\n\n")


def _refusal(status: str) -> web.Response:
    message, headers = STATUSES[status]
    body = {"error": {"message": message, "type": "error", "code": None}}
    return web.json_response(body, status=int(status), headers=headers)


def _call(number: int, name: str, arguments: str) -> list[dict[str, Any]]:
    """A call of a tool as it is streamed: its head, then its arguments in two pieces."""
    half = len(arguments) // 2
    head = {"index": number, "id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": ""}}
    rest = [{"index": number, "function": {"arguments": part}} for part in (arguments[:half], arguments[half:])]
    return [head, *rest]


def _chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


async def _send(response: web.StreamResponse, data: str) -> None:
    await response.write(f"data: {data}\n\n".encode())

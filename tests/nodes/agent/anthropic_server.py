"""The other side of Anthropic's Messages API: streamed text and calls of tools, from its documentation."""

from __future__ import annotations

import itertools
import json
from typing import Any

from aiohttp import web

from tests.nodes.local_server import KEY, Good, parsed
from tests.openai_server import REPLY

VERSIONS = ("2023-06-01", "2026-10-21")  # ours; that of their SDK 2.14


class Claude:
    """`calls`: for each of the next requests, tools to call with their arguments."""

    def __init__(self) -> None:
        self.calls: list[list[tuple[str, str]]] = []
        self.error = ""  # type of an error that comes in the middle

    def answer(self, request: web.Request, body: bytes) -> Good | str:
        told = parsed(body)
        keys = {request.headers.get("x-api-key"), request.headers.get("Authorization", "").removeprefix("Bearer ")}
        if request.path != "/v1/messages" or KEY not in keys:  # their SDK says it in the second way
            return f"{request.path} without the key"
        if request.headers.get("anthropic-version") not in VERSIONS or not told.get("stream"):
            return "no version, or no stream"
        roles = [message["role"] for message in told["messages"]]
        if roles[0] != "user" or any(one == other for one, other in itertools.pairwise(roles)):
            return f"the sides do not take turns: {roles}"
        return Good("text/event-stream; charset=utf-8", [_event(event) for event in self._events()])

    def _events(self) -> list[dict[str, Any]]:
        message = {
            "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
            "stop_sequence": None, "usage": {"input_tokens": 30, "output_tokens": 1},
        }  # fmt: skip
        start = {"type": "message_start", "message": message}
        events: list[dict[str, Any]] = [start, {"type": "ping"}]
        calls = self.calls.pop(0) if self.calls else []
        for index, (name, arguments) in enumerate(calls):
            block = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
            events.append({"type": "content_block_start", "index": index, "content_block": block})
            for part in (arguments[:3], arguments[3:]):
                delta = {"type": "input_json_delta", "partial_json": part}
                events.append({"type": "content_block_delta", "index": index, "delta": delta})
            events.append({"type": "content_block_stop", "index": index})
        if not calls:
            events.append({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
            for at in range(0, len(REPLY), 8):
                delta = {"type": "text_delta", "text": REPLY[at : at + 8]}
                events.append({"type": "content_block_delta", "index": 0, "delta": delta})
                if self.error and at == 8:
                    events.append({"type": "error", "error": {"type": self.error, "message": "Overloaded"}})
            events.append({"type": "content_block_stop", "index": 0})
        reason = "tool_use" if calls else "end_turn"
        events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 12}})
        return [*events, {"type": "message_stop"}]


def _event(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()

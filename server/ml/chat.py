"""Chat: `/v1/chat/completions` as OpenAI has it, and `/agent/chat`, which adds the persona of the pipeline."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, field_validator

from vaidol.graph.clock import wall_s
from vaidol.graph.node import Settings
from vaidol.nodes.agent._chat import ChatSettings, conversation
from vaidol.nodes.agent._memory import Message
from vaidol.server.bodies import read
from vaidol.server.ml.answers import answering, events
from vaidol.server.ml.offered import Offered

if TYPE_CHECKING:
    from vaidol.server.ml.app import MlServer

LONGEST = 100_000  # characters of one message
MOST = 500  # messages


class Part(BaseModel):
    """A piece of a message: text alone, no picture."""

    type: Literal["text"]
    text: Annotated[str, Field(max_length=LONGEST)]


class ChatMessage(BaseModel):
    """One turn."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, Field(max_length=LONGEST)] | Annotated[list[Part], Field(max_length=100)]

    def plain(self) -> Message:
        """As agents take it."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class Wish(BaseModel):
    """Answer `messages`. What of the rest the model cannot be told is as its pipeline says."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MOST)]
    model: Annotated[str, Field(max_length=200)] = ""
    stream: bool = False
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31)] | None = None


class ChatCompletion(Wish):
    """Answer `messages`; tools, several choices and log probabilities are not offered."""

    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    n: Literal[1] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    logprobs: Literal[False] | None = None

    @field_validator("messages")
    @classmethod
    def _asks(cls, messages: list[ChatMessage]) -> list[ChatMessage]:
        if messages[-1].role == "assistant":
            raise ValueError("the last message must be one that can be answered")
        return messages


class ChatApi:
    """The routes."""

    def __init__(self, server: MlServer) -> None:
        self._server = server
        self._offered: Offered = server.offered

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/chat/completions", self.completions)
        router.add_post("/agent/chat", self.chat)

    @answering
    async def completions(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions: answer a conversation."""
        wish = await read(request, ChatCompletion)
        with self._offered.admitted("agent"):
            pieces = self._pieces(wish, wish.max_completion_tokens or wish.max_tokens, persona=False)
            async with aclosing(pieces):
                if wish.stream:
                    return await events(request, self._chunks(pieces, wish.model))
                text = "".join([piece async for piece in pieces])
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return web.json_response({**self._head("chat.completion", wish.model), "choices": [choice]})

    @answering
    async def chat(self, request: web.Request) -> web.StreamResponse:
        """POST /agent/chat: answer a conversation as the persona of the pipeline; `stream`: as server-sent events."""
        wish = await read(request, Wish)
        with self._offered.admitted("agent"):
            pieces = self._pieces(wish, wish.max_tokens, persona=True)
            async with aclosing(pieces):
                if wish.stream:
                    return await events(request, ({"text": piece} async for piece in pieces))
                return web.json_response({"text": "".join([piece async for piece in pieces])})

    async def _pieces(self, wish: Wish, max_tokens: int | None, *, persona: bool) -> AsyncGenerator[str, None]:
        seats = self._offered.find("agent", wish.model)
        self._server.must_be_ready(seats.node)
        settings = seats.node.settings
        messages = [message.plain() for message in wish.messages]
        if persona and isinstance(settings, ChatSettings):
            messages = [*conversation(settings).head, *messages]
        changes = _changes(settings, {"temperature": wish.temperature, "seed": wish.seed}, max_tokens)
        async with seats.take(_owner(messages), changes) as seat, aclosing(seat.node.replied(messages)) as pieces:
            async for piece in pieces:
                yield piece

    async def _chunks(self, pieces: AsyncGenerator[str, None], model: str) -> AsyncGenerator[dict[str, Any], None]:
        head = self._head("chat.completion.chunk", model)
        delta: dict[str, Any] = {"role": "assistant"}
        async for piece in pieces:
            yield {**head, "choices": [{"index": 0, "delta": {**delta, "content": piece}, "finish_reason": None}]}
            delta = {}
        yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

    def _head(self, what: str, model: str) -> dict[str, Any]:
        created = int(wall_s())
        name = model or self._offered.nodes("agent")[0].name
        return {"id": f"chatcmpl-{secrets.token_hex(12)}", "object": what, "created": created, "model": name}


def _owner(messages: list[Message]) -> str:
    """The same for all turns of a conversation: who answered it before has most of it in its cache."""
    first = next((place for place, message in enumerate(messages) if message["role"] == "assistant"), len(messages))
    return hashlib.sha256(repr(messages[:first]).encode()).hexdigest()


def _changes(settings: Settings, given: dict[str, Any], max_tokens: int | None) -> dict[str, Any]:
    """`given`, as far as these settings know it; a reply is never longer than the pipeline says."""
    known = type(settings).model_fields
    changes = {name: value for name, value in given.items() if value is not None and name in known}
    if max_tokens is not None and "max_tokens" in known:
        changes["max_tokens"] = min(max_tokens, getattr(settings, "max_tokens", max_tokens))
    return changes

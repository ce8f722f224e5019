"""agent.anthropic: Claude, by Anthropic's Messages API.

POST /v1/messages with stream, see https://docs.anthropic.com/en/api/messages-streaming
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, ClassVar, Literal

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Need
from vaidol.nodes._connections import connections_need
from vaidol.nodes._http import Service
from vaidol.nodes._provider import Listing, Provider, RemoteSettings
from vaidol.nodes.agent._eyes import looking
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.agent._tool_agent import ToolAgent, ToolSettings
from vaidol.nodes.agent._tools import Call, Round

MODELS = Listing("/v1/models", "data", "id")
VERSION = "2023-06-01"  # of the API
STATUS = {"authentication_error": 401, "permission_error": 403, "not_found_error": 404, "rate_limit_error": 429}


class AnthropicSettings(ToolSettings, RemoteSettings):
    provider = Provider("Anthropic", key="ANTHROPIC_API_KEY", streaming=True)

    base_url: str = Field("https://api.anthropic.com", pattern=r"^https?://[^\s/]+")
    """Address of the service."""
    model: str = Field("claude-haiku-4-5", min_length=1)
    """Name of the model; the small ones answer soonest."""
    vision: bool = True
    """The model understands pictures."""
    temperature: float | None = Field(None, ge=0, le=1)
    """Liveliness of the choice of words; none = the service's choice."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request."""


class AnthropicAgent(ToolAgent[AnthropicSettings]):
    """agent.anthropic: answer with Claude.

    user (Transcript, the final ones), heard (Mark, what was played), image (Image, what the user shows)
    -> text (TextDelta; the last one empty)
    """

    provider: ClassVar[Provider] = AnthropicSettings.provider

    @classmethod
    def needs(cls, settings: AnthropicSettings) -> tuple[Need, ...]:
        return (connections_need(),)

    async def open(self) -> None:
        wanted = self.settings  # the deadlines of the base come first
        patient = wanted.model_copy(update={"first_s": wanted.first_token_s, "stall_s": wanted.stall_s + 1})
        self.service = Service(self.ctx, patient, self.provider, f"model '{wanted.model}'")
        await super().open()

    async def close(self) -> None:
        await super().close()
        if hasattr(self, "service"):  # else `open` failed
            await self.service.close()

    @property
    def source(self) -> str:
        return self.provider.name

    async def ask(
        self, messages: list[Message], rounds: list[Round], tools: Literal["auto", "none"]
    ) -> AsyncGenerator[str | Call, None]:
        headers = {"x-api-key": self.settings.key, "anthropic-version": VERSION}
        body = self._body(messages, rounds, tools)
        asking = self.service.ask("POST", "/v1/messages", headers=headers, json=body)
        async with self._named(headers), asking as answer:
            answer.must_be("text/event-stream")
            call: Call | None = None
            async with aclosing(answer.events()) as events:
                async for event in events:
                    with self.service.parsed():
                        text, call, whole, last = self._take(event, call)
                    if whole is not None:
                        yield whole
                    yield text
                    if last:
                        return
        raise self.service.wrong("broke the connection off", "unreachable", retryable=True)

    @asynccontextmanager
    async def _named(self, headers: dict[str, str]) -> AsyncIterator[None]:
        """A model that there is not is told with those there are."""
        try:
            yield
        except ProviderError as error:
            raise await self.service.with_names(error, self.settings.model, MODELS, headers) from error

    def _take(self, event: dict[str, Any], call: Call | None) -> tuple[str, Call | None, Call | None, bool]:
        """The text in an event; the call that is being written; the one that is complete; whether it was the last."""
        match event["type"]:
            case "message_start":
                self.used(event["message"]["usage"]["input_tokens"], 0)
            case "content_block_start" if event["content_block"]["type"] == "tool_use":
                return "", Call(event["content_block"]["id"], event["content_block"]["name"], ""), None, False
            case "content_block_delta" if event["delta"]["type"] == "text_delta":
                return event["delta"]["text"], call, None, False
            case "content_block_delta" if event["delta"]["type"] == "input_json_delta" and call:
                return "", call._replace(arguments=call.arguments + event["delta"]["partial_json"]), None, False
            case "content_block_stop":
                return "", None, call, False
            case "message_delta":
                self.used(0, event["usage"]["output_tokens"])
            case "message_stop":
                return "", None, None, True
            case "error":
                raise self._failed(event["error"])
        return "", call, None, False

    def _failed(self, error: dict[str, Any]) -> ProviderError:
        return self.service.status(STATUS.get(error["type"], 529), str(error.get("message", "")))

    def _body(self, messages: list[Message], rounds: list[Round], tools: str) -> dict[str, Any]:
        wanted = self.settings
        spoken = [message for message in messages if message["role"] != "system"]
        talk = looking(spoken, self.sight, _picture, _told)
        talk += [message for each in rounds for message in _told(each)]
        body: dict[str, Any] = {
            "model": wanted.model, "max_tokens": wanted.max_tokens, "messages": talk, "stream": True,
            "system": "\n\n".join(message["content"] for message in messages if message["role"] == "system"),
        }  # fmt: skip
        if wanted.temperature is not None:
            body["temperature"] = wanted.temperature
        if self.toolbox.tools:
            named = self.toolbox.tools.values()
            body["tools"] = [{"name": t.name, "description": t.about, "input_schema": t.schema} for t in named]
            body["tool_choice"] = {"type": tools}
        return {**body, **wanted.extra}


def _picture(mime: str, data: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": mime, "data": data}}


def _told(each: Round) -> list[dict[str, Any]]:
    """A round of tools as the messages of it."""
    said: list[dict[str, Any]] = [{"type": "text", "text": each.text}] if each.text.strip() else []
    said += [{"type": "tool_use", "id": c.id, "name": c.name, "input": _object(c.arguments)} for c in each.calls]
    told = [
        {"type": "tool_result", "tool_use_id": c.id, "content": result}
        for c, result in zip(each.calls, each.results, strict=True)
    ]
    return [{"role": "assistant", "content": said}, {"role": "user", "content": told}]


def _object(arguments: str) -> dict[str, Any]:
    try:
        told = json.loads(arguments or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}

"""agent.openai: any server that speaks the OpenAI chat protocol: OpenAI, Ollama, vLLM, LM Studio, Groq ..."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from vaidol.graph.errors import ProviderError
from vaidol.graph.yamlfile import nearest
from vaidol.nodes._provider import Provider
from vaidol.nodes.agent._eyes import looking
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.agent._tool_agent import ToolAgent, ToolSettings
from vaidol.nodes.agent._tools import Call, Round

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

CHECK_URL = "is base_url right? It mostly ends in /v1"
LOCAL = ("127.0.0.1", "::1", "localhost")  # most servers on one's own machine answer one at a time
SAID = 200  # characters of a server's own words that are passed on
LIST_S = 3.0  # for the list of models, when a name was wrong


PRESETS = {  # address, environment variable of the key, model
    "ollama": ("http://127.0.0.1:11434/v1", "", "llama3.2"),
    "llama_cpp": ("http://127.0.0.1:8080/v1", "", "default"),
    "lm_studio": ("http://127.0.0.1:1234/v1", "", "default"),
    "vllm": ("http://127.0.0.1:8000/v1", "", "default"),
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4o-mini"),
    "deepseek": ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "deepseek-chat"),
    "gemini": ("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", "gemini-2.5-flash"),
    "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY", "llama-3.3-70b-versatile"),
    "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY", "mistral-small-latest"),
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openrouter/auto"),
    "xai": ("https://api.x.ai/v1", "XAI_API_KEY", "grok-3-mini"),
}
Preset = Literal[
    "ollama", "llama_cpp", "lm_studio", "vllm", "openai", "deepseek", "gemini", "groq", "mistral", "openrouter", "xai"
]  # fmt: skip


class OpenaiSettings(ToolSettings):
    preset: Preset = "ollama"
    """Whose address, model and key (from its environment variable, such as GROQ_API_KEY) count where none are given."""
    base_url: str = Field("", pattern=r"^($|https?://[^\s/]+)")
    """Address of the server up to and with /v1; empty: that of the preset."""
    api_key: SecretStr = SecretStr("")
    """Key of the server; local servers take any."""
    model: str = ""
    """Name of the model at that server; empty: that of the preset."""
    temperature: float | None = Field(None, ge=0, le=2)
    """Liveliness of the choice of words; none = the server's choice."""
    connect_s: float = Field(5.0, gt=0, le=60)
    """Wait for the connection, s."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Further HTTP headers."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request, as the server wants them, such as reasoning_effort."""

    @model_validator(mode="after")
    def _has_key(self) -> Self:
        name = PRESETS[self.preset][1]
        if name and not self.base_url and not self.key:
            raise ValueError(f"{self.preset} wants a key: set {name}, or write api_key: ${{{name}}}")
        return self

    @property
    def key(self) -> str:
        """The key, from the settings, or from the environment where the preset's server is asked."""
        name = "" if self.base_url else PRESETS[self.preset][1]
        return self.api_key.get_secret_value() or os.environ.get(name, "")

    @property
    def address(self) -> str:
        return self.base_url or PRESETS[self.preset][0]

    @property
    def model_name(self) -> str:
        return self.model or PRESETS[self.preset][2]


class OpenaiAgent(ToolAgent[OpenaiSettings]):
    """agent.openai: answer with a language model behind an OpenAI-compatible server.

    user (Transcript, the final ones), heard (Mark, what was played), image (Image, what the user shows)
    -> text (TextDelta; the last one empty)
    """

    provider: ClassVar[Provider] = Provider(
        "OpenAI-compatible chat", key="OPENAI_API_KEY", package="openai", server=True, streaming=True
    )

    async def open(self) -> None:
        await super().open()
        self._client: AsyncOpenAI = await self.ctx.call("openai", self._connect)

    async def close(self) -> None:
        await super().close()
        if hasattr(self, "_client"):  # else `open` failed
            await self._client.close()

    @property
    def source(self) -> str:
        return f"the language model at {urlsplit(self.settings.address).netloc.rpartition('@')[2]}"

    @property
    def crowded(self) -> bool:
        return urlsplit(self.settings.address).hostname in LOCAL

    async def ask(
        self, messages: list[Message], rounds: list[Round], tools: Literal["auto", "none"]
    ) -> AsyncGenerator[str | Call, None]:
        import openai

        begun, calls = False, _Calls()
        try:
            async with await self._patiently(messages, rounds, tools) as chunks:
                kind = chunks.response.headers.get("content-type", "nothing")
                if not kind.startswith("text/event-stream"):
                    raise self._wrong(f"answered with {kind} instead of a stream; {CHECK_URL}", "protocol")
                begun = True
                async for chunk in chunks:
                    yield self._take(chunk, calls)
            for call in calls.whole():
                yield call
        except openai.APIStatusError as error:
            raise self._refused(error, await self._models(error)) from error
        except openai.APIConnectionError as error:
            what = "broke the connection off" if begun else "cannot be reached; is it running, and is base_url right?"
            why = str(error.__cause__ or error) or type(error.__cause__).__name__  # some have nothing to say
            raise self._wrong(f"{what} ({why})", "unreachable", retryable=True) from error
        except openai.APIError as error:
            raise self._wrong(f"broke off: {error.message[:SAID]}", "server", retryable=True) from error
        except ValueError as error:
            raise self._wrong(f"does not speak the OpenAI protocol; {CHECK_URL}", "protocol") from error

    def _take(self, chunk: ChatCompletionChunk, calls: _Calls) -> str:
        """The text in a chunk; what it has of calls goes into `calls`, of tokens into the meters."""
        usage = getattr(chunk, "usage", None)
        if usage is not None and not getattr(chunk, "choices", None):
            self.used(usage.prompt_tokens or 0, usage.completion_tokens or 0)
            return ""
        delta = _delta(chunk)
        calls.feed(getattr(delta, "tool_calls", None) or ())
        content = getattr(delta, "content", None)
        return content if isinstance(content, str) else ""

    async def _patiently(
        self, messages: list[Message], rounds: list[Round], tools: str
    ) -> AsyncStream[ChatCompletionChunk]:
        """The answer of a server that may ask to be asked again in a moment, if that comes before the deadline."""
        import openai

        try:
            return await self._ask(messages, rounds, tools)
        except openai.APIStatusError as error:
            wait = error.response.headers.get("retry-after", "")
            known = error.status_code in (429, 503) and wait.replace(".", "", 1).isdigit()
            if not known or float(wait) >= self.settings.first_token_s:
                raise
        await self.ctx.clock.sleep(float(wait))
        return await self._ask(messages, rounds, tools)

    def _connect(self) -> AsyncOpenAI:
        """Blocks: the import alone takes most of a second."""
        from openai import AsyncOpenAI, Timeout

        wanted = self.settings
        silence_s = max(wanted.first_token_s, wanted.stall_s) + 1  # the deadlines of the base come first
        return AsyncOpenAI(
            base_url=wanted.address,
            api_key=wanted.key or "none",
            default_headers={name: value.get_secret_value() for name, value in wanted.headers.items()},
            timeout=Timeout(silence_s, connect=wanted.connect_s),
            max_retries=0,  # a person waits: say what is wrong instead
        )

    async def _ask(self, messages: list[Message], rounds: list[Round], tools: str) -> AsyncStream[ChatCompletionChunk]:
        wanted = self.settings
        limit = "max_completion_tokens" if wanted.preset == "openai" and not wanted.base_url else "max_tokens"
        body: dict[str, Any] = {limit: wanted.max_tokens}
        if wanted.temperature is not None:
            body["temperature"] = wanted.temperature
        if wanted.preset != "mistral":  # which counts without being asked, and takes no such question
            body["stream_options"] = {"include_usage": True}
        if self.toolbox.tools:
            body["tools"] = [
                {"type": "function", "function": {"name": t.name, "description": t.about, "parameters": t.schema}}
                for t in self.toolbox.tools.values()
            ]
            body["tool_choice"] = tools
        talk = [
            *looking(messages, self.sight, _picture, _told),
            *(message for each in rounds for message in _told(each)),
        ]
        return await self._client.chat.completions.create(
            model=wanted.model_name,
            messages=cast("list[ChatCompletionMessageParam]", talk),
            stream=True,
            extra_body={**body, **wanted.extra},
        )

    def _wrong(self, what: str, code: str, *, retryable: bool = False) -> ProviderError:
        return ProviderError(f"{self.source} {what}", code=code, retryable=retryable)

    async def _models(self, error: APIStatusError) -> str:
        """The tail of a message about a model that is not there: those that are, where the server tells."""
        import openai

        if error.status_code != 404:
            return ""
        try:
            async with asyncio.timeout(LIST_S):
                names = [model.id for model in (await self._client.models.list()).data]
        except (openai.OpenAIError, TimeoutError, AttributeError, TypeError, ValueError):
            return ""
        return "" if self.settings.model_name in names else nearest(self.settings.model_name, names)

    def _refused(self, error: APIStatusError, known: str) -> ProviderError:
        """What a status other than 200 means to the person."""
        status, said = error.status_code, _said(error)
        if status in (401, 403):  # what such a server says may hold the key
            what = "refused the key; check api_key" if self.settings.key else "wants an api_key"
            return self._wrong(f"{what} ({status})", "key")
        if status == 404:
            return self._wrong(
                f"knows no model '{self.settings.model_name}'; check model and base_url{said}{known}", "model"
            )
        if status == 429:
            wait = error.response.headers.get("retry-after", "")
            when = f"try again in {wait} s" if wait.isdigit() else "try again later"
            return self._wrong(f"has too much to do, or your quota is used up; {when} (429)", "busy", retryable=True)
        if status >= 500:
            return self._wrong(f"has a fault of its own ({status}){said}", "server", retryable=True)
        return self._wrong(f"did not accept the request ({status}){said}", "request")


def _said(error: APIStatusError) -> str:
    """The server's own words, if it has some."""
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return f": {message[:SAID]}" if isinstance(message, str) and message else ""


def _delta(chunk: ChatCompletionChunk) -> object:
    """What is new in a chunk, None if nothing. Raises `ValueError` when it is no chunk: the client checks nothing."""
    choices = getattr(chunk, "choices", None)
    if not isinstance(choices, list):
        raise ValueError("no choices")
    return getattr(choices[0], "delta", None) if choices else None


def _picture(mime: str, data: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{data}"}}


class _Calls:
    """Calls of tools, put together from the pieces in which they come."""

    def __init__(self) -> None:
        self._calls: dict[int, Call] = {}

    def feed(self, pieces: Iterable[Any]) -> None:
        for number, piece in enumerate(pieces):
            index = number if piece.index is None else piece.index
            call = self._calls.get(index, Call("", "", ""))
            told = piece.function
            self._calls[index] = Call(
                piece.id or call.id,
                call.name or (told.name if told else "") or "",
                call.arguments + ((told.arguments if told else "") or ""),
            )

    def whole(self) -> list[Call]:
        named = [call for call in self._calls.values() if call.name]
        return [call._replace(id=call.id or f"call_{number}") for number, call in enumerate(named)]


def _told(each: Round) -> list[dict[str, Any]]:
    """A round of tools as the messages of it."""
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
        for call in each.calls
    ]
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": result}
        for call, result in zip(each.calls, each.results, strict=True)
    ]
    return [{"role": "assistant", "content": each.text or None, "tool_calls": calls}, *results]

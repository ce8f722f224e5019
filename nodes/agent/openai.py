"""agent.openai: any server that speaks the OpenAI chat protocol: OpenAI, Ollama, vLLM, LM Studio, Groq ..."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from vaidol.graph.errors import ProviderError
from vaidol.nodes.agent._chat import ChatAgent, ChatSettings
from vaidol.nodes.agent._memory import Message

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

CHECK_URL = "is base_url right? It mostly ends in /v1"
SAID = 200  # characters of a server's own words that are passed on


class OpenaiSettings(ChatSettings):
    base_url: str = Field("http://127.0.0.1:11434/v1", pattern=r"^https?://[^\s/]+")
    """Address of the server up to and with /v1."""
    api_key: SecretStr = SecretStr("")
    """Key of the server; local servers take any."""
    model: str = Field("llama3.2", min_length=1)
    """Name of the model at that server."""
    temperature: float | None = Field(None, ge=0, le=2)
    """Liveliness of the choice of words; none = the server's choice."""
    connect_s: float = Field(5.0, gt=0, le=60)
    """Wait for the connection, s."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Further HTTP headers."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request, as the server wants them, such as reasoning_effort."""


class OpenaiAgent(ChatAgent[OpenaiSettings]):
    """agent.openai: answer with a language model behind an OpenAI-compatible server.

    user (Transcript, the final ones), heard (Mark, what was played) -> text (TextDelta; the last one empty)
    """

    async def open(self) -> None:
        await super().open()
        self._client: AsyncOpenAI = await self.ctx.call("openai", self._connect)

    async def close(self) -> None:
        await super().close()
        if hasattr(self, "_client"):  # else `open` failed
            await self._client.close()

    @property
    def source(self) -> str:
        return f"the language model at {urlsplit(self.settings.base_url).netloc.rpartition('@')[2]}"

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        import openai

        begun = False
        try:
            async with await self._ask(messages) as chunks:
                kind = chunks.response.headers.get("content-type", "nothing")
                if not kind.startswith("text/event-stream"):
                    raise self._wrong(f"answered with {kind} instead of a stream; {CHECK_URL}", "protocol")
                begun = True
                async for chunk in chunks:
                    yield _text(chunk)
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except openai.APIConnectionError as error:
            what = "broke the connection off" if begun else "cannot be reached; is it running, and is base_url right?"
            raise self._wrong(f"{what} ({error.__cause__ or error})", "unreachable", retryable=True) from error
        except openai.APIError as error:
            raise self._wrong(f"broke off: {error.message[:SAID]}", "server", retryable=True) from error
        except ValueError as error:
            raise self._wrong(f"does not speak the OpenAI protocol; {CHECK_URL}", "protocol") from error

    def _connect(self) -> AsyncOpenAI:
        """Blocks: the import alone takes most of a second."""
        from openai import AsyncOpenAI, Timeout

        wanted = self.settings
        silence_s = max(wanted.first_token_s, wanted.stall_s) + 1  # the deadlines of the base come first
        return AsyncOpenAI(
            base_url=wanted.base_url,
            api_key=wanted.api_key.get_secret_value() or "none",
            default_headers={name: value.get_secret_value() for name, value in wanted.headers.items()},
            timeout=Timeout(silence_s, connect=wanted.connect_s),
            max_retries=0,  # a person waits: say what is wrong instead
        )

    async def _ask(self, messages: list[Message]) -> AsyncStream[ChatCompletionChunk]:
        wanted = self.settings
        temperature = {} if wanted.temperature is None else {"temperature": wanted.temperature}
        return await self._client.chat.completions.create(
            model=wanted.model,
            messages=cast("list[ChatCompletionMessageParam]", messages),
            stream=True,
            extra_body={"max_tokens": wanted.max_tokens, **temperature, **wanted.extra},
        )

    def _wrong(self, what: str, code: str, *, retryable: bool = False) -> ProviderError:
        return ProviderError(f"{self.source} {what}", code=code, retryable=retryable)

    def _refused(self, error: APIStatusError) -> ProviderError:
        """What a status other than 200 means to the person."""
        status, said = error.status_code, _said(error)
        if status in (401, 403):  # what such a server says may hold the key
            what = "refused the key; check api_key" if self.settings.api_key.get_secret_value() else "wants an api_key"
            return self._wrong(f"{what} ({status})", "key")
        if status == 404:
            return self._wrong(f"knows no model '{self.settings.model}'; check model and base_url{said}", "model")
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


def _text(chunk: ChatCompletionChunk) -> str:
    """Text of a chunk, "" if it has none. Raises `ValueError` when it is no chunk: the client checks nothing."""
    choices = getattr(chunk, "choices", None)
    if not isinstance(choices, list):
        raise ValueError("no choices")
    content = getattr(getattr(choices[0], "delta", None), "content", None) if choices else None
    return content if isinstance(content, str) else ""

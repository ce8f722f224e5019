"""agent.llama: a small language model inside this process, by llama.cpp; no server, no network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Need, Progress
from vaidol.nodes._models import model_errors, model_path
from vaidol.nodes._provider import Provider
from vaidol.nodes.agent._chat import ChatAgent, ChatSettings, conversation
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.agent._slots import Slots

if TYPE_CHECKING:
    from vaidol.models.llama import Llama, Usage


class LlamaSettings(ChatSettings):
    model: str = "smollm2-135m-instruct"
    """Model of the catalogue, or path of a GGUF file with a chat template."""
    cues: bool = False
    """Ask the model for tags such as [joy] that move the avatar; the smallest models do not follow that."""
    memory: int = Field(600, ge=50, le=1_000_000)
    """What is remembered of the conversation besides the persona, tokens; `context` holds both, and the reply."""
    summarise: bool = False
    """Have the model summarise what no longer fits into the memory, between two replies; the smallest models cannot."""
    max_tokens: int = Field(120, ge=1, le=100_000)
    """Length of a reply, tokens."""
    context: int = Field(2048, ge=256, le=1_000_000)
    """Persona, memory and reply together, tokens; memory in the machine grows with it."""
    slots: int = Field(2, ge=1, le=64)
    """Replies that can be made at the same time, each with a context of its own."""
    wait_s: float = Field(10.0, gt=0, le=600)
    """Wait for a free slot, s; then the person is told that the model is busy."""
    threads: int = Field(1, ge=1, le=256)
    """Threads that compute; more than the machine has to spare makes everything slower."""
    temperature: float = Field(0.4, ge=0, le=2)
    """Liveliness of the choice of words; 0 = always the most likely one."""
    repeat_penalty: float = Field(1.05, ge=1, le=2)
    """How much words said already are avoided; 1 = not."""
    seed: int | None = Field(None, ge=0, le=2**31)
    """Equal seeds and conversations give equal replies; none = different each time."""

    @property
    def key(self) -> str:
        """Equal keys share one copy of the weights."""
        return f"llama {self.model} {self.slots} x {self.context} on {self.threads}"


class LlamaAgent(ChatAgent[LlamaSettings]):
    """agent.llama: answer with a language model that runs here.

    user (Transcript, the final ones), heard (Mark, what was played), image (Image, what the user shows)
    -> text (TextDelta; the last one empty)

    The persona is read into the model's cache when it loads, and into that of a further slot while its session starts,
    so that the first reply comes as soon as the later ones.
    """

    provider: ClassVar[Provider] = Provider("llama.cpp, embedded", package="xllamacpp", streaming=True)

    @classmethod
    def needs(cls, settings: LlamaSettings) -> tuple[Need, ...]:
        return (Need(settings.key, "language model", partial(_load, settings)),)

    async def open(self) -> None:
        await super().open()
        self._brain: _Brain = self.ctx.shared(self.settings.key)
        self._warming = self.ctx.spawn(self._warm())

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        from vaidol.models.llama import ContextFull

        await asyncio.wait([self._warming])  # it is the same work, and under way
        while True:
            try:
                async with aclosing(self._reply(messages, self.settings.max_tokens)) as pieces:
                    async for text in pieces:
                        yield text
                return
            except ContextFull as error:
                if not self.memory.shrink():
                    message = f"{error}; raise 'context' or shorten the persona"
                    raise ProviderError(message, code="context") from error
                messages = self.memory.messages()

    async def beside(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        from vaidol.models.llama import ContextFull

        try:
            async with aclosing(self._reply(messages, self.settings.max_tokens)) as pieces:
                async for text in pieces:
                    yield text
        except ContextFull as error:
            raise ProviderError(str(error), code="context") from error

    @property
    def crowded(self) -> bool:
        return True

    async def _warm(self) -> None:
        """Evaluate the persona. What fails here fails again in the first turn, and is told then."""
        with suppress(ProviderError):
            async with aclosing(self._reply(self.memory.head, 1)) as pieces:
                async for _ in pieces:
                    pass

    async def _reply(self, messages: list[Message], max_tokens: int) -> AsyncGenerator[str, None]:
        """Pieces of text as the model's thread makes them; closing this stops the model within a token."""
        from vaidol.models.llama import ContextFull, LlamaError

        loop, stop = asyncio.get_running_loop(), threading.Event()
        pieces: asyncio.Queue[str | None] = asyncio.Queue(max_tokens + 8)  # never full: a piece is a token or more

        def put(text: str) -> None:  # "" while it reads the prompt: a sign of life, one is enough
            if text or pieces.empty():
                pieces.put_nowait(text)

        def on_text(text: str) -> bool:  # on the model's thread
            if not stop.is_set():
                loop.call_soon_threadsafe(put, text)
            return not stop.is_set()

        whose = (
            f"{self.ctx.session} {self._who}"  # each persona's words stay in a slot of its own, while there are some
        )
        async with self._brain.slots.use(whose, self.settings.wait_s) as slot:
            make = partial(self._make, messages, slot, max_tokens, on_text)
            work = asyncio.ensure_future(self.ctx.call(f"llama {slot}", make))
            work.add_done_callback(lambda _: pieces.put_nowait(None))
            try:
                while (piece := await pieces.get()) is not None:
                    yield piece
                usage = await work
                self.memory.tokens.learn([message["content"] for message in messages], usage.prompt_tokens)
            except ContextFull:
                raise
            except LlamaError as error:
                raise ProviderError(str(error), code="model") from error
            finally:
                stop.set()
                work.cancel()

    def _make(self, messages: list[Message], slot: int, max_tokens: int, on_text: Callable[[str], bool]) -> Usage:
        wanted = self.settings
        return self._brain.llama.stream(
            messages,
            slot=slot,
            max_tokens=max_tokens,
            temperature=wanted.temperature,
            repeat_penalty=wanted.repeat_penalty,
            seed=wanted.seed,
            on_text=on_text,
        )


@dataclass(frozen=True, slots=True)
class _Brain:
    """What the sessions of a process share."""

    llama: Llama
    slots: Slots


def _load(settings: LlamaSettings, progress: Progress) -> _Brain:
    from vaidol.models.llama import ContextFull, Llama

    progress(0.0, settings.model)
    path = model_path(settings.model)
    with model_errors():
        llama = Llama(path, context=settings.context, threads=settings.threads, slots=settings.slots)
        progress(0.5, "reading the persona")
        with suppress(ContextFull):  # a turn will say so
            llama.warm(conversation(settings).head, slot=0)  # the first session's
    return _Brain(llama, Slots(settings.slots))

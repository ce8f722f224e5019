"""A chat model in GGUF form, run by llama.cpp inside this process (package xllamacpp): messages in, text as it is made.

The prompt of a slot stays in its cache: only what follows the common head is evaluated again. A session keeps one
slot; `warm` evaluates its persona before the first turn.
"""

import atexit
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

from vaidol.models.errors import LoadError, ModelError

BATCH = 64  # prompt tokens between two looks at `on_text`'s wish to stop; 0.4 s on one slow core
CLOSE_S = 5.0  # an `on_text` that does not return is not waited for longer
# What chat templates are made of; in a message it would end the turn and speak as somebody else.
CONTROL = re.compile(r"<\|[a-zA-Z0-9_]{1,40}\|>|</?s>|<(?:start|end)_of_turn>|\[/?INST\]")


class LlamaError(ModelError):
    """The model could not answer."""


class ContextFull(LlamaError):
    """The messages have more tokens than the context of a slot: forget the oldest."""

    def __init__(self, prompt_tokens: int, context: int) -> None:
        super().__init__(f"the conversation has {prompt_tokens} tokens, and the model can hold {context}")
        self.prompt_tokens = prompt_tokens
        self.context = context


class Message(TypedDict):
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took. `cached_tokens` of the prompt were in the slot already; `first_token_ms` is None when no
    text came. `finish`: the model ended ("stop"), `max_tokens` or the context did ("length"), or `on_text` ("cut")."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    first_token_ms: float | None
    finish: Literal["stop", "length", "cut"]


class Llama:
    """The weights and `slots` separate conversations of `context` tokens each, shared by all sessions of a process.

    Thread-safe: calls for different slots share the threads token by token, calls for one slot queue up.
    """

    def __init__(self, gguf: Path, *, context: int = 2048, threads: int = 1, slots: int = 2) -> None:
        """Load and warm the model: about half a second. Raises LoadError."""
        self.context = context
        self.slots = slots
        self._closing = threading.Event()
        self._lock = threading.Condition()
        self._running = 0
        # llama.cpp insists on a listener: a socket in a folder of ours keeps it out of every browser's reach.
        self._folder = tempfile.TemporaryDirectory(prefix="vaidol-llama-", ignore_cleanup_errors=True)
        try:
            self._server: Any = _open(gguf, context, threads, slots, Path(self._folder.name) / "llama.sock")
        except RuntimeError as error:  # it does not say more
            self._folder.cleanup()
            raise LoadError(f"{gguf} could not be loaded as a GGUF model with {slots} × {context} tokens") from error
        atexit.register(self.close)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        slot: int,
        max_tokens: int = 256,
        temperature: float = 0.6,
        seed: int | None = None,
        stop: Sequence[str] = (),
        repeat_penalty: float = 1.0,
        on_text: Callable[[str], bool],
    ) -> Usage:
        """Answer the messages, giving each piece of text to `on_text` in the calling thread; blocks until the end.

        `on_text` gets "" while the prompt is evaluated; returning False stops at once (barge-in). Control tokens in
        the messages are taken out. Raises ContextFull, LlamaError, and whatever `on_text` raised.
        """
        if not 0 <= slot < self.slots:
            raise ValueError(f"slot {slot}: there are {self.slots}")
        asked = {
            "messages": [{**message, "content": CONTROL.sub("", message["content"])} for message in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
            "stop": list(stop),
            "repeat_penalty": repeat_penalty,
            "id_slot": slot,
            "cache_prompt": True,
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
        }
        if seed is not None:
            asked["seed"] = seed
        answer = _Answer(on_text, self._closing)
        with self._lock:
            if self._closing.is_set():
                raise LlamaError("the model is closed")
            self._running += 1
        try:
            self._server.handle_chat_completions(asked, answer.take)
        except ValueError as error:
            raise LlamaError(f"the messages do not fit the model's chat template: {error}") from error
        finally:
            with self._lock:
                self._running -= 1
                self._lock.notify_all()
        return answer.usage(self.context)

    def warm(self, messages: Sequence[Message], *, slot: int) -> Usage:
        """Evaluate `messages` into the slot, so that a conversation that starts with them answers sooner."""
        return self.stream(messages, slot=slot, max_tokens=1, on_text=lambda text: not text)

    def close(self) -> None:
        """Stop every answer in progress (each ends as "cut") and free the memory. May be called twice.

        Called at the end of the program by itself: an answer that outlives Python crashes it.
        """
        self._closing.set()
        with self._lock:
            ended = self._lock.wait_for(lambda: not self._running, timeout=CLOSE_S)
            if ended:
                self._server = None
        atexit.unregister(self.close)
        self._folder.cleanup()


def _open(gguf: Path, context: int, threads: int, slots: int, socket: Path) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(gguf)
    parameters.n_ctx = context * slots
    parameters.n_parallel = slots
    parameters.kv_unified = False  # `context` tokens for every slot
    parameters.n_batch = parameters.n_ubatch = BATCH
    parameters.n_gpu_layers = 0
    for pool in (parameters.cpuparams, parameters.cpuparams_batch):
        pool.n_threads = threads
        pool.poll = 0  # no spinning: the cores are shared with the other models
    parameters.fit_params = False
    parameters.cache_ram_mib = 0  # prompts live in their slots only
    parameters.n_ctx_checkpoints = 0
    parameters.verbosity = 0  # nothing on stderr
    parameters.hostnames = [str(socket)]
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.n_threads_http = 1
    return xllamacpp.Server(parameters)


class _Answer:
    """Reads the chunks of one streamed answer."""

    def __init__(self, on_text: Callable[[str], bool], closing: threading.Event) -> None:
        self._on_text = on_text
        self._closing = closing
        self._started = time.perf_counter()
        self._prompt = self._cached = self._made = 0
        self._first_ms: float | None = None
        self._finish: Literal["stop", "length", "cut"] | None = None
        self._error: dict[str, Any] | None = None
        self._raised: BaseException | None = None

    def take(self, chunk: dict[str, Any]) -> bool:
        """Read one chunk; True asks llama.cpp to stop. It swallows what a callback raises, so that is kept."""
        try:
            goes_on = self._read(chunk)
        finally:
            self._raised = sys.exception()
        if not goes_on:
            self._finish = self._finish or "cut"
        return not goes_on

    def _read(self, chunk: dict[str, Any]) -> bool:
        if error := chunk.get("error"):
            self._error = error
            return False
        if progress := chunk.get("prompt_progress"):
            self._prompt, self._cached = progress["total"], progress["cache"]
        if usage := chunk.get("usage"):
            self._prompt, self._made = usage["prompt_tokens"], usage["completion_tokens"]
            self._cached = usage["prompt_tokens_details"]["cached_tokens"]
        text = ""
        for choice in chunk.get("choices", ()):
            text += choice.get("delta", {}).get("content") or ""
            if finish := choice.get("finish_reason"):
                self._finish = "length" if finish == "length" else "stop"
        if text:
            self._made += 1
            self._first_ms = self._first_ms or (time.perf_counter() - self._started) * 1e3
        if self._finish and not text:
            return True  # only the usage is still to come
        return self._on_text(text) and not self._closing.is_set()

    def usage(self, context: int) -> Usage:
        """What it took; raises what went wrong on the way."""
        if self._raised is not None:
            raise self._raised
        if self._error is not None:
            if self._error.get("type") == "exceed_context_size_error":
                raise ContextFull(int(self._error.get("n_prompt_tokens", 0)), context)
            raise LlamaError(f"llama.cpp refused the request: {self._error.get('message', self._error)}")
        if self._finish is None:
            raise LlamaError("llama.cpp ended the answer without saying why")
        return Usage(self._prompt, self._cached, self._made, self._first_ms, self._finish)

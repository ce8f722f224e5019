"""Threads for blocking work, one small pool per model, shared by all sessions; and what is loaded once per process."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from vaidol.graph.clock import Clock
from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Need, Progress

T = TypeVar("T")
WAITING_MAX = 64  # calls that may wait for one pool; more means that the machine cannot keep up


class Workers:
    """Named executors of one thread each. Never the loop's default one: aiortc encodes there (FACTS, WebRTC 2)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._waiting: dict[str, int] = {}

    async def call(self, pool: str, function: Callable[..., T], *args: Any) -> T:
        """Run `function(*args)` on `pool`. On virtual time it runs inline and takes no time.

        Raises `ProviderError` when too many calls wait already.
        """
        if self._clock.virtual:
            return function(*args)
        if self._waiting.get(pool, 0) >= WAITING_MAX:
            raise ProviderError(f"{pool} is overloaded: {WAITING_MAX} calls wait for it", retryable=True, code="busy")
        if pool not in self._pools:
            self._pools[pool] = ThreadPoolExecutor(1, thread_name_prefix=f"vaidol-{pool}")
        self._waiting[pool] = self._waiting.get(pool, 0) + 1
        future = asyncio.get_running_loop().run_in_executor(self._pools[pool], function, *args)
        future.add_done_callback(lambda _: self._done(pool))
        return await future

    def release(self, pool: str) -> None:
        """End the thread of `pool` as soon as it has nothing to do; a later call starts it anew."""
        executor = self._pools.pop(pool, None)
        if executor is not None:
            executor.shutdown(wait=False)
            self._waiting.pop(pool, None)

    def close(self) -> None:
        """Start no more calls; those running go on to their end in the background."""
        for executor in self._pools.values():
            executor.shutdown(wait=False, cancel_futures=True)

    def _done(self, pool: str) -> None:
        if pool in self._waiting:
            self._waiting[pool] -= 1


@dataclass(slots=True)
class Loading:
    """How far a shared thing is."""

    about: str
    state: Literal["loading", "ready", "failed"] = "loading"
    progress: float = 0.0
    step: str = ""
    error: str = ""


class Closes(Protocol):
    """Something that holds on to a thread or a process."""

    def close(self) -> None:
        """Let go of it at once."""


class Shared:
    """Heavy things loaded once per process, by the key of their `Need`. A failed load may be tried again."""

    def __init__(self, workers: Workers, host: Callable[[Need, Progress], Awaitable[Closes]] | None = None) -> None:
        """`host` loads those needs that have a host."""
        self._workers = workers
        self._host = host
        self._hosts: list[Closes] = []
        self._loaded: dict[str, object] = {}
        self._loading: dict[str, asyncio.Task[object]] = {}
        self._guard = threading.Lock()
        self.status: dict[str, Loading] = {}

    def __getitem__(self, key: str) -> Any:
        return self._loaded[key]

    def __contains__(self, key: str) -> bool:
        return key in self._loaded

    async def get(self, need: Need) -> Any:
        """What `need` loads; loads it first if nobody has. Raises what its loader raises.

        A caller that is cancelled leaves the load to the others, and to those who come later.
        """
        if need.key in self._loaded:
            return self._loaded[need.key]
        if need.key not in self._loading:
            self._loading[need.key] = asyncio.get_running_loop().create_task(self._load(need), name=f"load {need.key}")
        return await asyncio.shield(self._loading[need.key])

    def close(self) -> None:
        for task in self._loading.values():
            task.cancel()
        for host in self._hosts:
            host.close()

    async def _load(self, need: Need) -> object:
        status = self.status[need.key] = Loading(need.about)

        def progress(done: float, step: str) -> None:  # called on the loader's thread
            with self._guard:
                status.progress, status.step = min(max(done, 0.0), 1.0), step

        pool, loaded = f"load:{need.key}", False
        try:
            if need.host and self._host is not None:
                hosted = await self._host(need, progress)
                self._hosts.append(hosted)
                self._loaded[need.key] = hosted
            else:
                self._loaded[need.key] = await self._workers.call(pool, need.load, progress)
            loaded = True
        finally:
            status.state, status.progress = ("ready", 1.0) if loaded else ("failed", status.progress)
            error = sys.exc_info()[1]
            status.error = "" if loaded or error is None else str(error) or type(error).__name__
            self._workers.release(pool)
            self._loading.pop(need.key, None)
        return self._loaded[need.key]

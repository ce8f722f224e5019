"""Where a loaded thing lives: on a thread of this process, in a worker process, or far away; it is used alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from vaidol.graph.clock import Clock
from vaidol.graph.elsewhere import Elsewhere
from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Need, Node, Progress, Settings
from vaidol.graph.place import REMOTE, Where
from vaidol.graph.processes import Process
from vaidol.graph.remote import Remote
from vaidol.graph.workers import Workers


class Host(Protocol):
    """Keeps what a `Need` loaded, and calls functions with it."""

    ready: bool  # False while it is loaded again after its process died
    restarts: int

    @property
    def behind(self) -> bool:
        """Whether it is still at a call whose caller has gone: the next one would wait for that."""

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """`function(thing, *args)`. Raises what it raises, and `ProviderError` when its process is gone."""

    def close(self) -> None:
        """End it at once."""


class Here:
    """On a thread of this process."""

    ready, restarts = True, 0

    def __init__(self, need: Need, workers: Workers, thing: Any) -> None:
        self._pool, self._workers, self._thing = f"host:{need.key}", workers, thing
        self._left = 0  # calls under way whose callers have gone

    @property
    def behind(self) -> bool:
        return self._left > 0

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        begun = asyncio.get_running_loop().create_task(self._workers.call(self._pool, function, self._thing, *args))
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            self._left += 1
            begun.add_done_callback(self._done)
            raise

    def close(self) -> None:
        self._workers.release(self._pool)

    def _done(self, begun: asyncio.Task[Any]) -> None:
        self._left -= 1
        if not begun.cancelled():
            begun.exception()  # nobody is left to hear of it


async def host(workers: Workers, clock: Clock, need: Need, progress: Progress) -> Host:
    """Load `need` where it says. On virtual time everything lives here: a process keeps real time."""
    if need.host not in ("", "thread") and not clock.virtual:
        elsewhere = _elsewhere(need, clock)
        await elsewhere.start(progress)
        return elsewhere
    pool = f"load:{need.key}"
    try:
        return Here(need, workers, await workers.call(pool, need.load, progress))
    finally:
        workers.release(pool)


def _elsewhere(need: Need, clock: Clock) -> Elsewhere:
    at = REMOTE.match(need.host)
    if at is None or need.far is None:
        return Process(need, clock)
    return Remote(need, clock, address=at["address"], kind=need.far.kind, settings=need.far.settings)


async def ask(
    node: str, host: Host, function: Callable[..., Any], *args: Any, within_s: float, cost_s: float = 0.0
) -> Any:
    """`host.call`, no longer than `within_s`: then `ProviderError` "timeout", and the answer goes nowhere.

    cost_s: what a call takes on virtual time.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within_s):
            result = await host.call(function, *args)
            if cost_s:
                await Clock(loop).sleep(cost_s)
            return result
    except TimeoutError as error:
        raise ProviderError(f"{node} took longer than {within_s:.1f} s", retryable=True, code="timeout") from error


def placed(kind: type[Node[Any]], settings: Settings, place: Where) -> tuple[Need, ...]:
    """The needs of a node, with those that have a host where `place` says."""
    return tuple(_moved(need, need.host if place == "inline" else place) for need in kind.needs(settings))


def _moved(need: Need, host: str) -> Need:
    return need if not need.host or host == need.host else replace(need, host=host, key=placed_key(need.key, host))


def placed_key(key: str, place: str) -> str:
    """The key of a need that is not where it would be by itself."""
    return f"{key} ({place})"

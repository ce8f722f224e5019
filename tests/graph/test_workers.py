"""Blocking work runs on threads of its own, a bounded lot of it; models load once and say how far they are."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from vaidol.graph.clock import Clock
from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Need
from vaidol.graph.workers import WAITING_MAX, Shared, Workers


def run(main: Any) -> Any:
    """`main(workers)` on the real loop."""

    async def whole() -> Any:
        workers = Workers(Clock(asyncio.get_running_loop()))
        try:
            return await main(workers)
        finally:
            workers.close()

    return asyncio.run(whole())


def test_each_pool_is_one_thread_and_keeps_the_order() -> None:
    done: list[int] = []

    async def main(workers: Workers) -> set[str]:
        def work(number: int) -> str:
            done.append(number)
            return threading.current_thread().name

        return set(await asyncio.gather(*(workers.call("tts", work, number) for number in range(20))))

    names = run(main)
    assert done == list(range(20))
    assert len(names) == 1
    assert names.pop().startswith("vaidol-tts")


def test_a_pool_that_falls_behind_refuses_instead_of_growing() -> None:
    go_on = threading.Event()

    async def main(workers: Workers) -> None:
        waiting = [asyncio.ensure_future(workers.call("slow", go_on.wait, 30)) for _ in range(WAITING_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(ProviderError, match="slow is overloaded: 64 calls wait for it") as refused:
            await workers.call("slow", print)
        assert refused.value.retryable
        assert await workers.call("other", lambda: "free") == "free"
        go_on.set()
        await asyncio.gather(*waiting)
        assert await workers.call("slow", lambda: "free again") == "free again"

    run(main)


def test_what_blocking_work_raises_reaches_its_caller() -> None:
    async def main(workers: Workers) -> None:
        with pytest.raises(ZeroDivisionError):
            await workers.call("x", lambda: 1 // 0)

    run(main)


def test_a_model_is_loaded_once_for_all_who_ask_and_one_who_leaves_does_not_stop_it() -> None:
    loads: list[int] = []
    loading, go_on = threading.Event(), threading.Event()

    def load(progress: Any) -> object:
        loads.append(1)
        progress(2.0, "half")
        loading.set()
        go_on.wait(30)
        return "weights"

    async def main(workers: Workers) -> None:
        shared, need = Shared(workers), Need("m", "a model", load)
        asking = [asyncio.ensure_future(shared.get(need)) for _ in range(3)]
        while not loading.is_set():  # noqa: ASYNC110  # set on the loader's thread
            await asyncio.sleep(0.001)
        assert (shared.status["m"].state, shared.status["m"].progress, shared.status["m"].step) == (
            "loading",
            1.0,
            "half",
        )
        asking[0].cancel()
        await asyncio.wait([asking[0]])
        go_on.set()
        assert await asyncio.gather(*asking[1:]) == ["weights"] * 2
        assert shared["m"] == await shared.get(need) == "weights"
        assert shared.status["m"].state == "ready"
        with pytest.raises(KeyError):
            shared["other"]

    run(main)
    assert loads == [1]

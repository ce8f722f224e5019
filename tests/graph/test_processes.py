"""Worker processes: asked like a thread, killed without harm, never waited for, gone when their parent is."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaidol.graph.clock import Clock
from vaidol.graph.elsewhere import WAITING_MAX
from vaidol.graph.errors import ProviderError
from vaidol.graph.hosts import ask
from vaidol.graph.node import Need
from vaidol.graph.processes import Process
from vaidol.tests.graph import far
from vaidol.tests.graph.far import Thing

HELD = Need("thing", "a thing", far.thing, host="process")


def run(main: Callable[[Process], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        process = Process(HELD, Clock(asyncio.get_running_loop()))
        try:
            await process.start(lambda done, step: None)
            return await main(process)
        finally:
            process.close()

    return asyncio.run(whole())


async def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # what happens in a process sets no event here
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_it_keeps_what_it_loaded_answers_in_order_and_ends_with_its_owner(capfd: pytest.CaptureFixture[str]) -> None:
    async def main(process: Process) -> int:
        pid: int = await process.call(Thing.pid)
        assert pid == process.pid != os.getpid()
        assert await asyncio.gather(*(process.call(Thing.double, n) for n in range(20))) == list(range(0, 40, 2))
        assert await process.call(Thing.wait, 0) == 20
        sound = np.arange(48_000, dtype=np.float32)
        assert np.array_equal(await process.call(Thing.double, sound), sound * 2)
        assert await process.call(Thing.threads) == "1"
        await process.call(Thing.shout)
        return pid

    pid = run(main)
    assert not alive(pid)
    assert capfd.readouterr().out == ""


def test_what_fails_there_is_raised_here() -> None:
    async def main(process: Process) -> None:
        with pytest.raises(ZeroDivisionError):
            await process.call(Thing.divide)
        with pytest.raises(ProviderError, match="pickle"):
            await process.call(Thing.strange)
        with pytest.raises((AttributeError, TypeError), match="pickle"):
            await process.call(lambda thing: thing)
        assert await process.call(Thing.double, 2) == 4

    run(main)


def test_a_load_that_fails_says_so_and_leaves_no_process() -> None:
    async def main() -> None:
        said: list[str] = []
        process = Process(Need("b", "a broken thing", far.broken, host="process"), Clock(asyncio.get_running_loop()))
        with pytest.raises(ValueError, match="the file is empty"):
            await process.start(lambda done, step: said.append(step))
        assert process.pid == 0
        good = Process(HELD, Clock(asyncio.get_running_loop()))
        await good.start(lambda done, step: said.append(step))
        assert said == ["half"]
        good.close()

    asyncio.run(main())


def test_killed_it_fails_the_call_under_way_and_is_started_again() -> None:
    async def main(process: Process) -> None:
        first = process.pid
        waiting = asyncio.ensure_future(process.call(Thing.wait, 30))
        queued = asyncio.ensure_future(process.call(Thing.wait, 30))
        await asyncio.sleep(0.05)
        os.kill(first, signal.SIGKILL)
        for call in (waiting, queued):
            with pytest.raises(ProviderError, match="is gone") as gone:
                await call
            assert (gone.value.code, gone.value.retryable) == ("process", True)
        with pytest.raises(ProviderError, match="started again"):
            await process.call(Thing.pid)
        await until(lambda: process.ready)
        assert process.restarts == 1
        assert await process.call(Thing.pid) != first

    run(main)


def test_an_answer_that_cannot_be_read_is_an_error_and_the_process_is_started_again() -> None:
    async def main(process: Process) -> None:
        with pytest.raises(ProviderError, match="is gone"):
            await process.call(Thing.unknown)
        await until(lambda: process.ready)
        assert await process.call(Thing.double, 2) == 4

    run(main)


def test_who_is_cut_or_out_of_patience_leaves_at_once_and_its_answer_goes_nowhere() -> None:
    async def main(process: Process) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(ProviderError, match=r"voice took longer than 0\.1 s") as late:
            await ask("voice", process, Thing.wait, 1.5, within_s=0.1)
        assert late.value.code == "timeout"
        assert process.behind
        cut = asyncio.ensure_future(process.call(Thing.double, 1))  # waits for the one before, and is never sent
        await asyncio.sleep(0.05)
        cut.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cut
        assert loop.time() - began < 1.4
        assert await process.call(Thing.wait, 0) == 0
        assert not process.behind

    run(main)


def test_more_calls_than_it_can_do_are_refused() -> None:
    async def main(process: Process) -> None:
        waiting = [asyncio.ensure_future(process.call(Thing.wait, 30)) for _ in range(WAITING_MAX)]
        await asyncio.sleep(0.01)
        with pytest.raises(ProviderError, match="overloaded"):
            await process.call(Thing.pid)
        for call in waiting:
            call.cancel()
        await asyncio.wait(waiting)

    run(main)


def test_it_goes_when_its_parent_is_killed() -> None:
    program = """
import asyncio
from vaidol.graph.clock import Clock
from vaidol.graph.processes import Process
from vaidol.tests.graph import far, test_processes
async def main():
    process = Process(test_processes.HELD, Clock(asyncio.get_running_loop()))
    await process.start(lambda done, step: None)
    print(process.pid, flush=True)
    await process.call(far.Thing.wait, 600)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    asyncio.run(until(lambda: not alive(pid)))

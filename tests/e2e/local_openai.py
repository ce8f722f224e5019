"""The OpenAI-compatible test server in a thread of its own, for tests that block on a browser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from vaidol.tests.openai_server import OpenaiServer


@contextmanager
def openai_server(server: OpenaiServer) -> Iterator[OpenaiServer]:
    """`server` answering until the end of the block; `behave` may be called from the test's thread."""
    up, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def live() -> None:
        async with server:
            loops.append(asyncio.get_running_loop())
            up.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(live(),), name="openai server")
    thread.start()
    try:
        assert up.wait(10)
        yield server
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(10)

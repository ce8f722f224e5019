"""An application behind an open door, with bars while its models load."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aiohttp import web

from vaidol.graph.clock import Clock
from vaidol.server.cli.progress import Bars
from vaidol.server.door import Door
from vaidol.server.preload import Preload
from vaidol.server.slow import Patience

WATCH_S = 0.1
HTTP_END_S = 0.3  # for requests under way when the server stops


async def serve(
    app: web.Application,
    door: Door,
    patience: Patience,
    stop: asyncio.Event,
    *,
    said: str,
    beside: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    end: Callable[[], Coroutine[Any, Any, None]] | None = None,
    cancelled: bool = False,
) -> None:
    """Answer those who come through `door` until `stop`. said: printed once they are; beside: work that goes on
    meanwhile; end: awaited after `stop`, before anything is closed; cancelled: the handler of a client that has gone
    is."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=HTTP_END_S, handler_cancellation=cancelled)
    await runner.setup()
    try:
        http = runner.server
        assert http is not None
        door.open(http)
        print(said, flush=True)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(work()) for work in beside]
            running.append(tasks.create_task(patience.watch(lambda: http.connections)))
            await stop.wait()
            if end is not None:
                await end()
            for task in running:
                task.cancel()
    finally:
        await runner.cleanup()


async def show_loads(preload: Preload, clock: Clock) -> None:
    """Bars while the models load."""
    needs = preload.needs
    with Bars() as bars:
        waiting = dict(needs)
        while waiting:
            for key, need in tuple(waiting.items()):
                state, share, step = preload.progress(key)
                if state == "loading":
                    bars.show(need.about, share, step)
                else:
                    bars.end(need.about, "ready" if state == "ready" else step)
                    del waiting[key]
            await clock.sleep(WATCH_S)
    if preload.status == "ok" and needs:
        print("ready", flush=True)

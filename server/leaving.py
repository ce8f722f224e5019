"""A gentle end (SIGTERM): nobody new comes in, calls may go on for a while, then the sentence being said is finished,
everybody is told, and all go.

What would have come after that sentence is cut as by an interruption, so that the agent's memory ends with it too.
"""

from __future__ import annotations

import asyncio

from vaidol.graph.clock import Clock
from vaidol.graph.scheduler import Graph
from vaidol.server import protocol
from vaidol.server.running import Running
from vaidol.server.sessions import Sessions

SENTENCE_S = 6.0  # Docker kills after 10 s, Kubernetes after 30
GOODBYE_S = 0.6  # for the message, and for the sound that is on its way
REASON = "the server stops"
GOODBYE = "The server stops. This page connects again as soon as it is back."


async def drain(sessions: Sessions, clock: Clock, hurry: asyncio.Event, calls_s: float = 0.0) -> None:
    """Let all calls come to their end within `calls_s`, and those left come to a full stop within `SENTENCE_S`; at
    once when `hurry` is set."""

    async def leave() -> None:
        await sessions.drain(calls_s)
        async with asyncio.TaskGroup() as leaving:
            for session in sessions:
                leaving.create_task(_last_words(session, clock), name=f"{session.id} last words")

    leaving, hurried = asyncio.create_task(leave()), asyncio.create_task(hurry.wait())
    try:
        done, _ = await asyncio.wait((leaving, hurried), return_when=asyncio.FIRST_COMPLETED)
        if leaving in done:
            leaving.result()
    finally:
        hurried.cancel()
        leaving.cancel()
        await asyncio.wait((leaving, hurried))


async def _last_words(session: Running, clock: Clock) -> None:
    graph = session.graph
    if session.state == "connected" and graph is not None:
        try:
            async with asyncio.timeout(SENTENCE_S):
                await _sentence_end(graph)
        except TimeoutError:
            pass  # it has talked long enough
        graph.fence.cut(REASON)
    session.send(protocol.error("stopping", GOODBYE))
    await clock.sleep(GOODBYE_S)
    session.end("server stops")


async def _sentence_end(graph: Graph) -> None:
    """Return when the sentence being heard is over, even if the next follows at once; without one, return now."""
    over = asyncio.Event()
    first = graph.fence.playout.sounding if graph.fence.playout is not None else None

    def look(_: int) -> None:
        now = graph.fence.playout.sounding if graph.fence.playout is not None else None
        if now is None or now is not first:
            over.set()

    stop = graph.engine.ticker.subscribe(look)
    try:
        look(0)
        await over.wait()
    finally:
        stop()

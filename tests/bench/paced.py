"""20 calls in real time, 50 frames/s through 10 nodes each: processor time per session-second above the pacing, ms."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import AsyncIterator, Callable
from typing import Any
from unittest import mock

import numpy as np

from vaidol.graph import scheduler
from vaidol.graph.clock import Clock
from vaidol.graph.compiler import compile_plan
from vaidol.graph.edges import Edge
from vaidol.graph.engine import Engine
from vaidol.graph.flow import Flow
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.generations import DEAD
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.graph.ticker import Ticker
from vaidol.tests.bench import _pipecat
from vaidol.tests.bench._rounds import Round, cpu_s, has_pipecat, interleaved
from vaidol.tests.bench.hops import REGISTRY, chain

SESSIONS = 20
NODES = 10
SOUND = np.zeros(320, np.float32)
Push = Callable[[int], None]  # called each 20 ms with the number of ticks left out


class Unmetered(Flow):
    """The same without meters of any step: what watching costs is the difference."""

    def drain(self) -> None:
        """See `Flow.drain`."""
        ready, life = self.ready, self._life
        self.draining = True
        try:
            while ready:
                edge, frame = ready.popleft()
                try:
                    while True:
                        if edge.fenced and life[frame.gen] == DEAD:
                            pass
                        elif edge.direct:
                            edge.target.step(edge.port, frame)
                        elif edge.eager and (waiter := edge.target.waiter) is not None and not waiter.done():
                            self._begin(edge, frame, 0)
                        else:
                            edge.put(frame)
                        if not ready:
                            break
                        edge, frame = ready.popleft()
                except ValueError as error:
                    self._supervisor.failed(edge.target, frame, error, edge=edge)
        finally:
            self.draining = False
            self._emitter_again()

    def _begin(self, edge: Edge, frame: Frame, began: float) -> float:
        cell, loop = edge.target, self._loop
        task: Any = cell.task
        if self._outer is None and (outer := asyncio.current_task(loop)) is not None:
            _leave_task(loop, outer)
            self._outer = outer
        cell.current = frame
        work = cell.step(edge.port, frame)
        _enter_task(loop, task)
        try:
            first = cell.context.run(work.send, None)
        except StopIteration:
            cell.current = None
        else:
            cell.handed = (work, first, edge)
            if cell.waiter is not None and not cell.waiter.done():
                cell.waiter.set_result(None)
        finally:
            _leave_task(loop, task)
        return 0.0


async def pace(pushes: list[Push], seconds: float) -> float:
    """Call all of `pushes` on one ticker for `seconds`; ms of processor time per session-second."""
    ticker = Ticker(Clock(asyncio.get_running_loop()))
    stops = [ticker.subscribe(push) for push in pushes]
    await asyncio.sleep(0.1)
    began, clock = cpu_s(), asyncio.get_running_loop().time()
    await asyncio.sleep(seconds)
    spent, passed = cpu_s() - began, asyncio.get_running_loop().time() - clock
    for stop in stops:
        stop()
    return spent / passed / SESSIONS * 1e3


def made() -> Audio:
    """A new frame, as a source makes it: part of the pacing."""
    return Audio(samples=SOUND)


async def bare_ms(seconds: float) -> float:
    def push(skipped: int) -> None:
        made()

    return await pace([push] * SESSIONS, seconds)


async def vaidol_ms(seconds: float, kinds: tuple[str, ...], flow: type[Flow] = Flow) -> float:
    spec = chain("bench.through", NODES)
    for i in range(NODES):
        spec["nodes"][f"n{i}"]["use"] = kinds[i % len(kinds)]
    plan = compile_plan(from_dict(spec), REGISTRY)
    engine = Engine(REGISTRY)
    async with contextlib.AsyncExitStack() as calls:
        with mock.patch.object(scheduler, "Flow", flow):
            graphs = [Graph(plan, engine) for _ in range(SESSIONS)]
        for graph in graphs:
            await calls.enter_async_context(graph)

        def pushing(graph: Graph) -> Push:
            push = graph.node("source").push
            return lambda skipped: push(made())

        figure = await pace([pushing(graph) for graph in graphs], seconds)
    engine.close()
    return figure


async def queue_ms(seconds: float) -> float:
    async with asyncio.TaskGroup() as group:
        tasks, pushes = [], []

        async def node(inlet: asyncio.Queue[Audio], outlet: asyncio.Queue[Audio] | None) -> None:
            while True:
                frame = await inlet.get()
                if outlet is not None:
                    await outlet.put(frame)

        def pushing(queue: asyncio.Queue[Audio]) -> Push:
            return lambda skipped: queue.put_nowait(made())

        for _ in range(SESSIONS):
            queues: list[asyncio.Queue[Audio]] = [asyncio.Queue() for _ in range(NODES + 1)]
            tasks += [group.create_task(node(a, b)) for a, b in zip(queues, [*queues[1:], None], strict=True)]
            pushes.append(pushing(queues[0]))
        figure = await pace(pushes, seconds)
        for task in tasks:
            task.cancel()
    return figure


async def pipecat_ms(seconds: float) -> float:
    async with contextlib.AsyncExitStack() as calls:
        sends = [await calls.enter_async_context(_chain()) for _ in range(SESSIONS)]
        async with asyncio.TaskGroup() as group:

            def pushing(send: Any) -> Push:
                return lambda skipped: group.create_task(send()) and None

            return await pace([pushing(send) for send in sends], seconds)


@contextlib.asynccontextmanager
async def _chain() -> AsyncIterator[Any]:
    async with _pipecat.chain(NODES, lambda: None) as send:
        yield send


def main(quick: bool) -> dict[str, float | None]:
    """ms of processor time per session-second above the pacing itself; medians of interleaved rounds.

    `vaidol_ms`: half of the nodes asynchronous; `fused_ms`: none. `meters_ratio`: all the
    processor time of the paced calls with meters against without; `meters_ratio_above`: the same above the pacing.
    """
    seconds, rounds = (0.9, 5) if quick else (3.0, 9)
    half = ("bench.through", "bench.async")
    subjects: dict[str, Round] = {
        "pacing_ms": lambda: bare_ms(seconds),
        "vaidol_ms": lambda: vaidol_ms(seconds, half),
        "unmetered_ms": lambda: vaidol_ms(seconds, half, Unmetered),
        "fused_ms": lambda: vaidol_ms(seconds, ("bench.through",)),
        "queue_ms": lambda: queue_ms(seconds),
    }
    if has_pipecat():
        subjects["pipecat_ms"] = lambda: pipecat_ms(seconds)
    found = asyncio.run(interleaved(rounds, subjects))
    base = found["pacing_ms"]
    above = {name: round(value - base, 3) for name, value in found.items() if name != "pacing_ms"}
    ratio = found["vaidol_ms"] / found["unmetered_ms"]
    above["meters_ratio_above"] = round(above["vaidol_ms"] / above["unmetered_ms"], 3)
    return {"pipecat_ms": None, **above, "pacing_ms": round(base, 3), "meters_ratio": round(ratio, 3)}


if __name__ == "__main__":
    print(main(quick=True))

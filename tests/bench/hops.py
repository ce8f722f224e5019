"""What it costs to hand a frame from node to node: one frame in flight, processor time per hop, us."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np

from vaidol.graph.compiler import compile_plan
from vaidol.graph.ends import ENDS
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.tests.bench import _pipecat
from vaidol.tests.bench._rounds import Round, breathe, cpu_s, has_pipecat, interleaved

NODES = 8
FAN = 8
SOUND = np.zeros(320, np.float32)  # 20 ms at 16 kHz


class Through(Node[Settings]):
    """Hands on, inline."""

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)

    def process(self, port: str, frame: Frame) -> None:
        self.emit("audio", frame)


class AsyncThrough(Through):
    """Hands on, asynchronous."""

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        self.emit("audio", frame)


class WaitingThrough(Through):
    """Hands on after a turn of the event loop: an asynchronous node that really waits."""

    async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self.emit("audio", frame)


class Join(Node[Settings]):
    """Sends one frame on when it has had one of each branch."""

    inputs = (Port("audio", Audio, many=True),)
    outputs = (Port("audio", Audio),)
    seen = 0

    def process(self, port: str, frame: Frame) -> None:
        self.seen += 1
        if self.seen == FAN:
            self.seen = 0
            self.emit("audio", frame)


REGISTRY = Registry(
    extra={
        **ENDS,
        "bench.through": Through,
        "bench.async": AsyncThrough,
        "bench.waiting": WaitingThrough,
        "bench.join": Join,
    }
)


def chain(kind: str, nodes: int = NODES) -> dict[str, Any]:
    """source -> n0 -> n1 ... -> end"""
    names = [f"n{i}" for i in range(nodes)]
    ways = ["source.out", *[f"{name}.audio" for name in names]]
    into = [*[f"{name}.audio" for name in names], "end.in"]
    uses = {"source": {"use": "ends.inlet", "with": {"rate": 16_000}}, "end": {"use": "ends.outlet"}}
    return {
        "version": 1,
        "name": "chain",
        "nodes": {**uses, **{name: {"use": kind} for name in names}},
        "edges": [f"{a} -> {b}" for a, b in zip(ways, into, strict=True)],
    }


def fan() -> dict[str, Any]:
    """source -> 8 branches -> join -> end"""
    names = [f"n{i}" for i in range(FAN)]
    spec = chain("bench.through", 0)
    spec["nodes"] |= {"join": {"use": "bench.join"}} | {name: {"use": "bench.through"} for name in names}
    spec["edges"] = [f"source.out -> {', '.join(f'{name}.audio' for name in names)}"]
    spec["edges"] += [f"{name}.audio -> join.audio" for name in names] + ["join.audio -> end.in"]
    return spec


@contextlib.asynccontextmanager
async def graph(spec: dict[str, Any]) -> AsyncIterator[Graph]:
    engine = Engine(REGISTRY)
    async with Graph(compile_plan(from_dict(spec), REGISTRY), engine) as running:
        yield running
    engine.close()


async def vaidol_us(spec: dict[str, Any], frames: int, hops: int) -> float:
    arrived = asyncio.Event()
    async with graph(spec) as running:
        running.node("end").on_frame = lambda frame: arrived.set()
        push = running.node("source").push
        await breathe()
        began = cpu_s()
        for i in range(frames):
            arrived.clear()
            push(Audio(samples=SOUND, seq=i))
            await arrived.wait()
        return (cpu_s() - began) / frames / hops * 1e6


async def queue_us(frames: int, *, waits: bool = False) -> float:
    """The baseline: a task and an `asyncio.Queue` per node."""
    queues: list[asyncio.Queue[Audio]] = [asyncio.Queue() for _ in range(NODES + 1)]

    async def node(inlet: asyncio.Queue[Audio], outlet: asyncio.Queue[Audio]) -> None:
        while True:
            frame = await inlet.get()
            if waits:
                await asyncio.sleep(0)
            await outlet.put(frame)

    async with _tasks([node(a, b) for a, b in itertools.pairwise(queues)]):
        began = cpu_s()
        for i in range(frames):
            await queues[0].put(Audio(samples=SOUND, seq=i))
            await queues[-1].get()
        return (cpu_s() - began) / frames / (NODES + 1) * 1e6


async def fan_queue_us(frames: int) -> float:
    into: list[asyncio.Queue[Audio]] = [asyncio.Queue() for _ in range(FAN)]
    back: asyncio.Queue[Audio] = asyncio.Queue()
    end: asyncio.Queue[Audio] = asyncio.Queue()

    async def branch(inlet: asyncio.Queue[Audio]) -> None:
        while True:
            await back.put(await inlet.get())

    async def join() -> None:
        while True:
            for _ in range(FAN):
                frame = await back.get()
            await end.put(frame)

    async with _tasks([*[branch(queue) for queue in into], join()]):
        began = cpu_s()
        for i in range(frames):
            frame = Audio(samples=SOUND, seq=i)
            for queue in into:
                await queue.put(frame)
            await end.get()
        return (cpu_s() - began) / frames * 1e6


async def pipecat_us(frames: int, *, lean: bool = False) -> float:
    arrived = asyncio.Event()
    async with _pipecat.chain(NODES, arrived.set, lean=lean) as send:
        await asyncio.sleep(0.1)
        began = cpu_s()
        for _ in range(frames):
            arrived.clear()
            await send()
            await arrived.wait()
        return (cpu_s() - began) / frames / (NODES + 1) * 1e6


@contextlib.asynccontextmanager
async def _tasks(works: list[Any]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        await breathe()
        yield
        for task in tasks:
            task.cancel()


def subjects(frames: int) -> dict[str, Round]:
    def hop(kind: str) -> Callable[[], Any]:
        return lambda: vaidol_us(chain(kind), frames, NODES + 1)

    found: dict[str, Round] = {
        "fused_us": hop("bench.through"),
        "async_us": hop("bench.async"),
        "queue_us": lambda: queue_us(frames),
        "waiting_us": hop("bench.waiting"),
        "waiting_queue_us": lambda: queue_us(frames, waits=True),
        "fan_join_us": lambda: vaidol_us(fan(), frames, 1),
        "fan_join_queue_us": lambda: fan_queue_us(frames),
    }
    if has_pipecat():
        found["pipecat_us"] = lambda: pipecat_us(frames // 4)
        found["pipecat_lean_us"] = lambda: pipecat_us(frames // 4, lean=True)
    return found


def main(quick: bool) -> dict[str, float | None]:
    """us per hop, medians of interleaved rounds; the fan figures are us per frame (8 branches and a join).

    `waiting_us`: an asynchronous node that gives way to the loop once per frame, against a queue that does the same.
    """
    found = asyncio.run(interleaved(5 if quick else 15, subjects(1000 if quick else 4000)))
    return {"pipecat_us": None, **{name: round(value, 3) for name, value in found.items()}}


if __name__ == "__main__":
    print(main(quick=True))

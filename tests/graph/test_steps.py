"""An asynchronous node is a task from its first step on, although that step runs inside the emitter's."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.tests.graph.flows import Later, seqs
from vaidol.tests.graphs import play, running, sink, source

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


def stepping(work: Any, frames: int = 1) -> Any:
    """Run `work(node, frame)` as the asynchronous `process` of a node; returns the result of the run."""

    class Worker(Node[Settings]):
        inputs = (Port("in", Audio),)
        outputs = (Port("out", Audio),)

        async def process(self, port: str, frame: Frame) -> None:  # type: ignore[override]
            await work(self, frame)

    nodes = {"mic": source(Audio, [(i * 1.0, Audio(seq=i)) for i in range(frames)]), "w": Worker, "ear": sink(Audio)}
    return play(nodes, ["mic.out -> w.in", "w.out -> ear.in"])


def test_the_first_step_runs_in_the_nodes_own_task_and_context() -> None:
    seen: list[Any] = []

    async def work(node: Node[Any], frame: Frame) -> None:
        seen.append((asyncio.current_task(), WHO.get()))
        token = WHO.set("worker")
        if frame.seq == 1:
            await asyncio.sleep(0)
        seen.append((asyncio.current_task(), WHO.get()))
        WHO.reset(token)
        node.emit("out", frame)

    result = stepping(work, frames=3)
    tasks = {task for task, _ in seen}
    assert len(tasks) == 1
    assert "w" in next(iter(tasks)).get_name()
    assert [who for _, who in seen] == ["nobody", "worker"] * 3
    assert seqs(result.frames("ear")) == [0, 1, 2]


def test_the_emitters_task_is_the_current_one_again_afterwards() -> None:
    seen: list[bool] = []

    async def main() -> None:
        nodes = {"mic": source(Audio, []), "l": Later, "ear": sink(Audio)}
        async with running(nodes, ["mic.out -> l.audio", "l.audio -> ear.in"]) as graph:
            await asyncio.sleep(0.01)
            me = asyncio.current_task()
            graph.node("mic").emit("out", Audio())
            seen.append(asyncio.current_task() is me)
            async with asyncio.timeout(1):
                graph.node("mic").emit("out", Audio())
                await asyncio.sleep(0)
            seen.append(len(graph.node("ear").got) == 2)

    run_virtual(main())
    assert seen == [True, True]


@pytest.mark.parametrize("limit", [0, 0.1])
def test_a_deadline_set_in_the_first_step_holds(limit: float) -> None:
    caught: list[str] = []

    async def work(node: Node[Any], frame: Frame) -> None:
        try:
            async with asyncio.timeout(limit):
                await node.ctx.clock.sleep(10)
        except TimeoutError:
            caught.append("late")
        node.emit("out", frame)

    result = stepping(work, frames=2)
    assert caught == ["late", "late"]
    assert seqs(result.frames("ear")) == [0, 1]


def test_a_group_in_the_first_step_works() -> None:
    done: list[int] = []

    async def work(node: Node[Any], frame: Frame) -> None:
        async def part(i: int) -> None:
            await node.ctx.clock.sleep(0.01 * i)
            done.append(i)

        async with asyncio.TaskGroup() as group:
            for i in range(3):
                group.create_task(part(i))
        node.emit("out", frame)

    assert len(stepping(work, frames=2).frames("ear")) == 2
    assert done == [0, 1, 2, 0, 1, 2]


def test_an_error_before_and_after_waiting_is_supervised_and_the_next_frame_is_served() -> None:
    async def work(node: Node[Any], frame: Frame) -> None:
        if frame.seq == 1:
            raise ValueError("before")
        await node.ctx.clock.sleep(0.01)
        if frame.seq == 2:
            raise ValueError("after")
        node.emit("out", frame)

    result = stepping(work, frames=4)
    assert seqs(result.frames("ear")) == [0, 3]
    assert result.errors == ["w failed: ValueError"] * 2


def test_awaiting_something_cancelled_is_a_failure_and_not_the_end_of_the_node() -> None:
    async def work(node: Node[Any], frame: Frame) -> None:
        future = asyncio.get_running_loop().create_future()
        if frame.seq == 0:
            future.cancel()  # before waiting
        if frame.seq == 1:
            asyncio.get_running_loop().call_later(0.1, future.cancel)
        if frame.seq < 2:
            await future
        node.emit("out", frame)

    result = stepping(work, frames=3)
    assert seqs(result.frames("ear")) == [2]
    assert len(result.errors) == 2

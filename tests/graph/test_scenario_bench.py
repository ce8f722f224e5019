"""The measurements of the engine measure what they say: every subject really carries its frames to the end."""

from __future__ import annotations

import asyncio
from unittest import mock

import pytest

from vaidol.graph import scheduler
from vaidol.graph.clock import run_virtual
from vaidol.graph.flow import Flow
from vaidol.graph.frames import Audio
from vaidol.tests.bench import hops, virtual
from vaidol.tests.bench.paced import Unmetered


@pytest.mark.parametrize("flow", [Flow, Unmetered])
@pytest.mark.parametrize("kind", ["bench.through", "bench.async", "bench.waiting"])
def test_frames_reach_the_end_of_the_chain(flow: type[Flow], kind: str) -> None:
    async def main() -> list[int]:
        with mock.patch.object(scheduler, "Flow", flow):
            async with hops.graph(hops.chain(kind)) as graph:
                await hops.breathe()
                for seq in range(5):
                    graph.node("source").push(Audio(seq=seq))
                    await asyncio.sleep(0.02)
                return [frame.seq for frame in graph.node("end").received]

    assert run_virtual(main()) == list(range(5))


def test_the_join_sends_one_frame_for_eight() -> None:
    async def main() -> int:
        async with hops.graph(hops.fan()) as graph:
            await hops.breathe()
            for seq in range(5):
                graph.node("source").push(Audio(seq=seq))
            return len(graph.node("end").received)

    assert run_virtual(main()) == 5


def test_the_minute_of_conversation_is_one() -> None:
    with mock.patch.object(virtual, "ROUNDS", (2, 2)):
        told = virtual.main(quick=True)
    assert told["conversation_s"] > 55
    assert (told["distinct_hashes"], told["unexpected"], told["rounds"]) == (1, 0, 2)

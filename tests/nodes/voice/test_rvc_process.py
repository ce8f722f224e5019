"""voice.rvc in its worker process, in real time: shared by sessions, killed in mid-sentence, cut without waiting."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from tests.graphs import joined, sink, source
from tests.nodes.voice.test_rvc import HUM, RATE, files
from vaidol import nodes as shipped
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio, Sentence
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict

__all__ = ["files"]
SOON_S = 60.0  # patience of a test on a busy machine


@asynccontextmanager
async def sessions(files: dict[str, Any], count: int = 1, place: str = "inline") -> AsyncIterator[list[Graph]]:
    """Graphs of one voice each, that share what they load; on the real loop."""
    registry = Registry(
        shipped.__name__,
        extra={"t.a": source(Audio, [], rate=RATE, dtype="f32", replies=True), "t.b": sink(Audio)},
    )
    patient = {"late_ms": 30_000, "gap_ms": 30_000}
    voice = {"use": "voice.rvc", "with": {**patient, **files}, "place": place}
    spec = {"version": 1, "name": "t", "nodes": {"a": {"use": "t.a"}, "v": voice, "b": {"use": "t.b"}},
            "edges": ["a.out -> v.audio", "v.audio -> b.in"]}  # fmt: skip
    plan = compile_plan(from_dict(spec), registry)
    engine = Engine(registry)
    graphs = [Graph(plan, engine, session=f"s{number}") for number in range(count)]
    try:
        for graph in graphs:
            await graph.__aenter__()
        yield graphs
    finally:
        for graph in graphs:
            await graph.__aexit__(None, None, None)
        engine.close()


def host(graph: Graph) -> Any:
    node = graph.node("v")
    return node.ctx.shared(node.settings.key)


def got(graph: Graph, sentence: Sentence | None = None) -> list[Audio]:
    frames = [frame for _, frame in graph.node("b").__dict__.get("got", [])]
    return [frame for frame in frames if sentence is None or frame.of is sentence]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not true():  # noqa: ASYNC110  # the sink has no event
            await asyncio.sleep(0.005)


async def say(graph: Graph, sentence: Sentence, gen: int, *, seconds: float = 1.0) -> None:
    """A sentence of reply `gen`, as fast as it is taken."""
    sound, node = np.tile(HUM, 3)[: round(seconds * RATE)], graph.node("a")
    for at in range(0, len(sound), 640):
        part = Audio(samples=sound[at : at + 640].copy(), rate=RATE, pts=at, gen=gen, of=sentence)
        await node.send("out", part)
    await node.send("out", Audio(rate=RATE, pts=len(sound), gen=gen, of=sentence, sentence_end=True))


def whole(graph: Graph, sentence: Sentence, seconds: float = 1.0) -> Callable[[], bool]:
    return lambda: len(joined(got(graph, sentence))) == round(seconds * 48_000)


def late(graph: Graph) -> int:
    (node,) = (node for node in graph.snapshot()["nodes"] if node["name"] == "v")
    return node["counts"].get("late", 0)


def errors(graph: Graph) -> list[str]:
    return [event.text for event in graph.events if event.name == "error"]


def test_two_sessions_share_one_process_and_a_thread_says_the_same(files: dict[str, str]) -> None:
    async def main(place: str) -> tuple[Any, Any, Any]:
        async with sessions(files, 2, place) as (one, two):
            assert host(one) is host(two)
            said = Sentence(text="hello")
            for graph in (one, two):
                await say(graph, said, graph.fence.begin(1))
            await until(lambda: whole(one, said)() and whole(two, said)())
            assert errors(one) + errors(two) == []
            return joined(got(one)), joined(got(two)), getattr(host(one), "pid", 0)

    first, second, pid = asyncio.run(main("inline"))
    assert pid not in (0, os.getpid())
    assert np.array_equal(first, second)
    other, _, none = asyncio.run(main("thread"))
    assert none == 0
    assert np.corrcoef(first, other)[0, 1] > 0.999  # the number of threads changes the order of sums


def test_killed_in_mid_sentence_the_sound_goes_on_dry_and_the_voice_comes_back(files: dict[str, str]) -> None:
    async def main() -> None:
        async with sessions(files) as (graph,):
            first, second, third = (Sentence(text=word) for word in ("one", "two", "three"))
            gen = graph.fence.begin(1)
            speaking = asyncio.ensure_future(say(graph, first, gen, seconds=2.5))
            await until(lambda: bool(got(graph, first)))
            os.kill(host(graph).pid, signal.SIGKILL)
            await speaking
            await until(whole(graph, first, 2.5))
            await say(graph, second, gen)
            await until(whole(graph, second))
            await until(lambda: host(graph).ready)
            before = late(graph)
            assert before >= 1
            assert any("failed" in told and "the sound goes on as it is" in told for told in errors(graph))
            await say(graph, third, gen)
            await until(whole(graph, third))
            assert late(graph) == before
            assert not graph.ended.done()
            assert host(graph).restarts == 1

    asyncio.run(main())


def test_a_cut_waits_for_nobody_and_nothing_of_the_dead_reply_comes_after(files: dict[str, str]) -> None:
    async def main() -> None:
        async with sessions(files) as (graph,):
            dead, alive = Sentence(text="dead"), Sentence(text="alive")
            gen = graph.fence.begin(1)
            os.kill(host(graph).pid, signal.SIGSTOP)  # it hangs
            speaking = asyncio.ensure_future(say(graph, dead, gen))
            await asyncio.sleep(0.3)
            began = asyncio.get_running_loop().time()
            graph.fence.cut("stop")
            took_s = asyncio.get_running_loop().time() - began
            os.kill(host(graph).pid, signal.SIGCONT)
            assert took_s < 0.1
            await asyncio.wait([speaking])
            await say(graph, alive, graph.fence.begin(2))
            await until(whole(graph, alive))
            assert got(graph, dead) == []
            assert late(graph) == 0

    asyncio.run(main())


@pytest.mark.parametrize("place", ["inline", "thread"])
def test_a_voice_that_cannot_be_loaded_is_one_sentence(files: dict[str, str], tmp_path: Any, place: str) -> None:
    (tmp_path / "wrong.pth").write_bytes(b"this is no voice")

    async def main() -> list[str]:
        async with sessions({**files, "model": str(tmp_path / "wrong.pth")}, place=place) as (graph,):
            return errors(graph)

    (told,) = asyncio.run(main())
    assert "wrong.pth" in told
    assert "\n" not in told

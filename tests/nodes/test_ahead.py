"""What a pacer will play is told before it leaves, and told again where it turns out otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from tests.graphs import play, sink
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.frames import Audio
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph

RATE, STEP = 48_000, 960


class Speaks(Node[Settings]):
    """Gives `seconds` of a rising ramp, in pieces of `ms`, as fast as it is taken."""

    outputs = (Port("audio", Audio, rate=RATE, dtype="f32"),)
    replies = True

    async def speak(self, gen: int, seconds: float, ms: int = 50, gap: float = 0.0) -> None:
        samples = np.linspace(0.001, 0.9, int(seconds * RATE), dtype=np.float32)
        size = RATE * ms // 1000
        for at in range(0, len(samples), size):
            last = at + size >= len(samples)
            if gap and at == size * 4:
                await self.ctx.clock.sleep(gap)
            await self.send("audio", Audio(samples=samples[at : at + size], rate=RATE, gen=gen, final=last))


Scene = Callable[[Graph, Speaks], Awaitable[None]]


def told(scene: Scene) -> tuple[dict[int, Audio], list[tuple[float, Audio]], list[tuple[float, Audio]]]:
    """What was played, by sample; what was told to come; what was played, with times."""

    async def do(graph: Graph) -> None:
        speaks = graph.node("voice")
        assert isinstance(speaks, Speaks)
        await scene(graph, speaks)

    nodes = {"voice": Speaks, "out": "webrtc.out", "coming": sink(Audio), "played": sink(Audio)}
    edges = ["voice.audio -> out.audio", "out.coming -> coming.in", "out.played -> played.in"]
    result = play(nodes, edges, do=do, ends={"call": CallDouble()})
    played = {frame.pts: frame for _, frame in result.at("played") if len(frame.samples)}
    return played, result.at("coming"), result.at("played")


def final_word(coming: list[tuple[float, Audio]]) -> dict[int, Audio]:
    """What a listener believes in the end of each packet: the newest that was said; silence after a `final`."""
    believed: dict[int, Audio] = {}
    for _, frame in coming:
        if frame.final:
            believed = {pts: known for pts, known in believed.items() if pts < frame.pts}
        else:
            believed[frame.pts] = frame
    return believed


@pytest.mark.parametrize(("ms", "gap"), [(20, 0.0), (50, 0.0), (333, 0.0), (50, 0.5), (7, 0.0)])
def test_everything_is_told_once_in_order_before_it_leaves(ms: int, gap: float) -> None:
    async def scene(graph: Graph, speaks: Speaks) -> None:
        await speaks.speak(graph.fence.begin(1), 0.9, ms, gap)
        await asyncio.sleep(1.5)

    played, coming, _ = told(scene)
    sound = [(at, frame) for at, frame in coming if not frame.final]
    assert [frame.pts for _, frame in sound] == list(played)
    for at, frame in sound:
        left = played[frame.pts].samples
        assert np.allclose(frame.samples[:200], left[:200])  # the end of a stretch slides to silence only when it comes
        assert at <= frame.born / 1e9 + 1e-6 <= at + 0.121
        assert frame.pts % STEP == 0
    ahead = [frame.born / 1e9 - at for at, frame in sound]
    assert np.median(ahead) > 0.03
    assert [frame.final for _, frame in coming].count(True) == (2 if gap else 1)
    assert coming[-1][1].pts == max(played) + STEP


def test_a_cut_says_at_once_that_nothing_more_comes() -> None:
    cut_at: list[tuple[float, int]] = []

    async def scene(graph: Graph, speaks: Speaks) -> None:
        gen = graph.fence.begin(1)
        task = asyncio.ensure_future(speaks.speak(gen, 2.0))
        await asyncio.sleep(0.5)
        graph.fence.on_cut(lambda cut: cut_at.append((graph.clock.s(), cut.at)))
        graph.fence.cut("enough")
        task.cancel()
        await asyncio.sleep(0.3)

    played, coming, _ = told(scene)
    at, sample = cut_at[0]
    assert coming[-1][1].final
    assert (coming[-1][0], coming[-1][1].pts) == (at, sample)
    assert set(final_word(coming)) == set(played)


def test_a_hold_takes_back_what_was_told_and_a_resume_tells_it_again() -> None:
    async def scene(graph: Graph, speaks: Speaks) -> None:
        task = asyncio.ensure_future(speaks.speak(graph.fence.begin(1), 1.0))
        await asyncio.sleep(0.4)
        graph.fence.hold()
        await asyncio.sleep(0.5)
        graph.fence.resume()
        await asyncio.sleep(1.5)
        await task

    played, coming, _ = told(scene)
    believed = final_word(coming)
    assert set(believed) == set(played)
    assert max(played) > 1.3 * RATE  # half a second later than without
    middle = [pts for pts in played if pts > 1.0 * RATE and pts < 1.3 * RATE]
    assert all(np.allclose(believed[pts].samples, played[pts].samples) for pts in middle)


def test_after_a_stall_the_sound_is_told_at_its_new_place() -> None:
    async def scene(graph: Graph, speaks: Speaks) -> None:
        task = asyncio.ensure_future(speaks.speak(graph.fence.begin(1), 1.0))
        await asyncio.sleep(0.4)
        graph.node("out")._tick(10)  # the ticker says that ten packets were left out
        await asyncio.sleep(1.5)
        await task

    played, coming, _ = told(scene)
    believed = final_word(coming)
    later = [pts for pts in played if pts > 0.65 * RATE]
    assert len(later) > 20
    assert all(np.allclose(believed[pts].samples[:200], played[pts].samples[:200]) for pts in later)

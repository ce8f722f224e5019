"""Changing a graph while it runs: nothing lost, nothing stale, and what fails leaves it as it was."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vaidol.graph.frames import Audio, Frame
from vaidol.graph.incoming import SwapFailed
from vaidol.graph.scheduler import Graph
from vaidol.graph.swap import Busy
from vaidol.tests.graph.flows import seqs
from vaidol.tests.graph.swapping import Dsp, during, in_order, live, plan


@pytest.mark.parametrize("old", ["s.dsp", "s.slow"])
@pytest.mark.parametrize("new", ["s.dsp", "s.slow"])
def test_a_dsp_swap_loses_and_reorders_nothing(old: str, new: str) -> None:
    async def do(graph: Graph) -> None:
        ear = graph.node("ear")
        await asyncio.sleep(1)
        change = await graph.swaps.apply(plan(live(new, gain=2)))
        assert (change.at, change.outcome) == ("frame", "applied")
        await asyncio.sleep(1)
        in_order(ear.heard)
        assert len(ear.heard) >= 100
        assert graph.node("dsp").count == len(ear.heard), "the count was carried"
        assert graph.node("dsp").settings.gain == 2

    during(live(old), do)


def test_the_call_goes_on_while_the_new_node_warms_and_the_old_one_is_closed_after() -> None:
    async def do(graph: Graph) -> None:
        closed = Dsp.closed
        working = asyncio.ensure_future(graph.swaps.apply(plan(live(gain=3, open_s=2))))
        await asyncio.sleep(1.9)
        assert len(graph.node("ear").heard) >= 95
        assert (graph.node("dsp").settings.gain, Dsp.closed) == (1, closed)
        await working
        await asyncio.sleep(0.1)
        assert (graph.node("dsp").settings.gain, Dsp.closed) == (3, closed + 1)
        in_order(graph.node("ear").heard)

    during(live(), do)


@pytest.mark.parametrize(("breaks", "why"), [("open", "the model is broken"), ("warm", "died while warming")])
def test_a_node_that_does_not_open_leaves_everything_as_it_was(breaks: str, why: str) -> None:
    async def do(graph: Graph) -> None:
        node = graph.node("dsp")
        with pytest.raises(SwapFailed, match=why):
            await graph.swaps.apply(plan(live(gain=2, breaks=breaks)))
        await asyncio.sleep(0.5)
        assert graph.node("dsp") is node
        assert graph.swaps.revision == 1
        assert graph.swaps.history[-1].outcome == "failed"
        assert why in graph.swaps.history[-1].why
        in_order(graph.node("ear").heard)

    during(live(), do)


def test_nodes_and_edges_come_and_go() -> None:
    async def do(graph: Graph) -> None:
        longer = live()
        longer["nodes"] |= {"more": {"use": "s.slow"}, "spy": {"use": "s.ear"}}
        longer["edges"] = ["mic.audio -> dsp.audio", "dsp.audio -> more.audio, spy.audio", "more.audio -> ear.audio"]
        await asyncio.sleep(0.5)
        change = await graph.swaps.apply(plan(longer))
        assert change.diff.told()["added"] == ["more", "spy"]
        await asyncio.sleep(0.5)
        assert graph.node("more").count >= 24
        assert len(graph.node("spy").heard) >= 24
        in_order(graph.node("ear").heard)
        await graph.swaps.rollback()
        assert set(graph.cells) == {"mic", "dsp", "ear"}
        await asyncio.sleep(0.5)
        came = seqs(graph.node("ear").heard)
        assert came == sorted(set(came))
        assert came[-1] - len(came) <= 1, "a frame that waits for the node that goes, goes with it"

    during(live(), do)


def test_other_rates_bring_their_adapters() -> None:
    def with_rate(rate: int) -> dict[str, Any]:
        made = live()
        made["nodes"]["far"] = {"use": "ends.outlet", "with": {"rate": rate}}
        made["edges"].append("dsp.audio -> far.in")
        return made

    async def do(graph: Graph) -> None:
        await asyncio.sleep(0.2)
        await graph.swaps.apply(plan(with_rate(48_000)))
        await asyncio.sleep(0.2)
        assert "dsp_to_far_resample" in graph.cells
        assert graph.node("far").received[-1].rate == 48_000
        await graph.swaps.apply(plan(with_rate(16_000)))
        await asyncio.sleep(0.2)
        assert "dsp_to_far_resample" not in graph.cells
        assert graph.node("far").received[-1].rate == 16_000
        in_order(graph.node("ear").heard)

    during(with_rate(16_000), do)


def test_a_second_change_is_refused_while_the_first_is_under_way() -> None:
    async def do(graph: Graph) -> None:
        first = asyncio.ensure_future(graph.swaps.apply(plan(live(gain=2, open_s=1))))
        await asyncio.sleep(0.5)
        with pytest.raises(Busy, match="dsp: gain, open_s") as caught:
            await graph.swaps.apply(plan(live(gain=3)))
        assert caught.value.change.step == "loading"
        await first
        assert graph.node("dsp").settings.gain == 2

    during(live(), do)


def test_an_edit_without_a_difference_does_nothing() -> None:
    async def do(graph: Graph) -> None:
        node = graph.node("dsp")
        assert (await graph.swaps.apply(plan(live()))).outcome == "nothing"
        assert graph.node("dsp") is node
        assert not graph.swaps.can_go_back

    during(live(), do)


def test_a_node_that_is_down_can_be_replaced() -> None:
    async def do(graph: Graph) -> None:
        await asyncio.sleep(0.2)
        assert graph.cells["dsp"].state in ("failed", "restarting")
        await graph.swaps.apply(plan(live(gain=2)))
        await asyncio.sleep(5)
        assert graph.cells["dsp"].state == "idle"
        assert graph.node("dsp").settings.gain == 2
        assert len(graph.node("ear").heard) >= 240

    for backoff in (0.01, 30):
        broken = live(breaks="work")
        broken["nodes"]["dsp"]["on_error"] = {"policy": "restart", "max": 1, "backoff_s": backoff}
        during(broken, do)


def test_rollback_goes_back_step_by_step_and_then_says_so() -> None:
    async def do(graph: Graph) -> None:
        for gain in (2, 3):
            await graph.swaps.apply(plan(live(gain=gain)))
        for gain in (2, 1):
            await graph.swaps.rollback()
            assert graph.node("dsp").settings.gain == gain
        with pytest.raises(SwapFailed, match="no earlier pipeline"):
            await graph.swaps.rollback()
        assert [change.cause for change in graph.swaps.history] == ["edit", "edit", "rollback", "rollback"]

    during(live(), do)


def test_what_a_retired_node_still_emits_goes_nowhere() -> None:
    async def do(graph: Graph) -> None:
        old = graph.node("dsp")
        await graph.swaps.apply(plan(live(gain=2)))
        before = len(graph.node("ear").heard)
        old.emit("audio", Audio(seq=999))
        assert len(graph.node("ear").heard) == before
        await old.send("audio", Audio(seq=999))
        assert len(graph.node("ear").heard) == before

    during(live(), do)


def test_a_tap_outlives_the_node_and_can_be_taken_off_after_a_swap() -> None:
    async def do(graph: Graph) -> None:
        seen: list[Frame] = []
        untap = graph.tap("dsp.audio -> ear.audio", seen.append)
        await asyncio.sleep(0.2)
        await graph.swaps.apply(plan(live(gain=2)))
        await asyncio.sleep(0.2)
        assert len(seen) == len(graph.node("ear").heard)
        untap()
        count = len(seen)
        await asyncio.sleep(0.2)
        assert len(seen) == count

    during(live(), do)


def test_the_end_of_the_session_ends_a_change() -> None:
    failed: list[str] = []

    async def do(graph: Graph) -> None:
        async def change() -> None:
            try:
                await graph.swaps.apply(plan(live(open_s=500)))
            except SwapFailed as error:
                failed.append(str(error))

        do.task = asyncio.ensure_future(change())  # type: ignore[attr-defined]
        await asyncio.sleep(0.1)

    during(live(), do)
    assert failed == ["the session ended"]

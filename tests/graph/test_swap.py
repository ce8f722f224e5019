"""Changing a graph while it runs: nothing lost, nothing stale, states carried, and what fails leaves it as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Audio, Frame, Sentence, TextDelta, Transcript
from vaidol.graph.incoming import SwapFailed
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.plan import Plan
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.graph.swap import Busy
from vaidol.tests.graph.flows import balanced, seqs


class Gain(Settings):
    gain: float = 1
    """Factor."""
    open_s: float = 0
    """How long opening takes, s."""
    breaks: str = ""
    """Where it fails: "open", "work"; "warm": a task of its own, soon after opening."""


class Mic(Node[Settings]):
    """20 ms of sound every 20 ms."""

    outputs = (Port("audio", Audio, rate=16_000, dtype="f32"),)
    sound = np.zeros(320, np.float32)

    async def run(self) -> None:
        seq = 0
        while True:
            self.emit("audio", Audio(samples=self.sound, seq=seq, pts=seq * 320))
            seq += 1
            await self.ctx.clock.sleep(0.02)


class Dsp(Node[Gain]):
    """Hands sound on, and counts."""

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)
    carries = ("count",)
    closed = 0

    def __init__(self, settings: Gain, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.count = 0

    async def open(self) -> None:
        await self.ctx.clock.sleep(self.settings.open_s)
        if self.settings.breaks == "open":
            raise ProviderError("the model is broken")
        if self.settings.breaks == "warm":
            self.ctx.spawn(self._die())

    async def _die(self) -> None:
        raise ProviderError("died while warming")

    def process(self, port: str, frame: Audio) -> Any:
        if self.settings.breaks == "work":
            raise ProviderError("cannot work")
        self.count += 1
        self.emit("audio", Audio(samples=frame.samples * self.settings.gain, seq=frame.seq, pts=frame.pts))

    async def close(self) -> None:
        type(self).closed += 1


class SlowDsp(Dsp):
    """The same from a mailbox, 5 ms per frame."""

    async def process(self, port: str, frame: Audio) -> None:
        await self.ctx.clock.sleep(0.005)
        super().process(port, frame)


class Ear(Node[Settings]):
    """Keeps what it hears."""

    inputs = (Port("audio", Audio, many=True),)

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.heard: list[Audio] = []

    def process(self, port: str, frame: Audio) -> None:
        self.heard.append(frame)


class User(Node[Settings]):
    """Says what a test tells it to."""

    outputs = (Port("text", Transcript),)

    def say(self, text: str) -> int:
        gen = self.ctx.fence.begin(1)
        self.emit("text", Transcript(text=text, final=True, gen=gen, trace=1))
        return gen


class Agent(Node[Gain]):
    """Ten words, one every 50 ms; remembers what it was told."""

    inputs = (Port("user", Transcript),)
    outputs = (Port("text", TextDelta),)
    replies = True
    carries = ("told",)

    def __init__(self, settings: Gain, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.told: list[str] = []

    async def process(self, port: str, frame: Transcript) -> None:
        self.told.append(frame.text)
        for i in range(10):
            await self.ctx.clock.sleep(0.05)
            await self.send("text", TextDelta(text=f"w{i} ", seq=i, **frame.stamp()))
        await self.send("text", TextDelta(final=True, **frame.stamp()))


class Voice(Node[Gain]):
    """200 ms per piece of text; the sound's sequence number is the gain of its maker."""

    inputs = (Port("text", TextDelta),)
    outputs = (Port("audio", Audio, rate=48_000, dtype="f32"),)

    async def process(self, port: str, frame: TextDelta) -> None:
        await self.ctx.clock.sleep(0.1)
        if self.settings.breaks == "work":
            raise ProviderError("cannot speak")
        of = Sentence(text=frame.text, **frame.stamp())
        self.emit("audio", Audio(rate=48_000, seq=int(self.settings.gain), of=of, final=frame.final, **frame.stamp()))


class Out(Node[Settings]):
    """Ends each reply when its last sound has come."""

    inputs = (Port("audio", Audio),)

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.heard: list[Audio] = []

    def process(self, port: str, frame: Audio) -> None:
        self.heard.append(frame)
        self.ctx.fence.spoke(frame.gen)
        if frame.final:
            self.ctx.fence.played_out(frame.gen)


KINDS: dict[str, type[Node[Any]]] = {
    "s.mic": Mic, "s.dsp": Dsp, "s.slow": SlowDsp, "s.ear": Ear, "s.user": User, "s.agent": Agent, "s.voice": Voice,
    "s.out": Out,
}  # fmt: skip
REGISTRY = Registry("vaidol.nodes", extra=KINDS)


def live(use: str = "s.dsp", **settings: Any) -> dict[str, Any]:
    return {
        "version": 1, "name": "live",
        "nodes": {"mic": {"use": "s.mic"}, "dsp": {"use": use, "with": settings}, "ear": {"use": "s.ear"}},
        "edges": ["mic.audio -> dsp.audio", "dsp.audio -> ear.audio"],
    }  # fmt: skip


def talk(voice: dict[str, Any] | None = None, agent: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "version": 1, "name": "talk",
        "nodes": {
            "user": {"use": "s.user"}, "agent": {"use": "s.agent", "with": agent or {}},
            "voice": {"use": "s.voice", "with": voice or {}}, "out": {"use": "s.out"},
        },
        "edges": ["user.text -> agent.user", "agent.text -> voice.text", "voice.audio -> out.audio"],
    }  # fmt: skip


def plan(spec: dict[str, Any]) -> Plan:
    return compile_plan(from_dict(spec), REGISTRY)


def during(spec: dict[str, Any], do: Callable[[Graph], Awaitable[Any]]) -> Graph:
    """Run the graph of `spec` on virtual time while `do` runs."""

    async def main() -> Graph:
        engine = Engine(REGISTRY)
        async with Graph(plan(spec), engine, session="s") as graph:
            await do(graph)
            balanced(graph)
        engine.close()
        return graph

    return run_virtual(main())


def in_order(frames: list[Audio]) -> None:
    assert seqs(frames) == list(range(len(frames)))


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
    spec = live()
    spec["nodes"]["out"] = {"use": "ends.outlet"}
    kinds = Registry("vaidol.nodes", extra={**KINDS, **__import__("vaidol.graph.ends", fromlist=["ENDS"]).ENDS})

    async def main() -> None:
        def with_rate(rate: int) -> Plan:
            made = live()
            made["nodes"]["far"] = {"use": "ends.outlet", "with": {"rate": rate}}
            made["edges"].append("dsp.audio -> far.in")
            return compile_plan(from_dict(made), kinds)

        engine = Engine(kinds)
        async with Graph(with_rate(16_000), engine) as graph:
            await asyncio.sleep(0.2)
            await graph.swaps.apply(with_rate(48_000))
            await asyncio.sleep(0.2)
            assert "dsp_to_far_resample" in graph.cells
            assert graph.node("far").received[-1].rate == 48_000
            await graph.swaps.apply(with_rate(16_000))
            await asyncio.sleep(0.2)
            assert "dsp_to_far_resample" not in graph.cells
            assert graph.node("far").received[-1].rate == 16_000
            in_order(graph.node("ear").heard)
            balanced(graph)
        engine.close()

    run_virtual(main())


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


def heard(graph: Graph, gen: int) -> list[int]:
    """Who spoke the pieces of a reply."""
    return [frame.seq for frame in graph.node("out").heard if frame.gen == gen]


def test_by_default_the_voice_changes_between_two_replies() -> None:
    async def do(graph: Graph) -> None:
        first = graph.node("user").say("one")
        await asyncio.sleep(0.4)
        change = asyncio.ensure_future(graph.swaps.apply(plan(talk(voice={"gain": 2}))))
        await asyncio.sleep(0.3)
        assert graph.swaps.current is not None
        assert graph.swaps.current.step == "waiting"
        await change
        assert set(heard(graph, first)) == {1}
        assert len(heard(graph, first)) == 11
        second = graph.node("user").say("two")
        await asyncio.sleep(2)
        assert set(heard(graph, second)) == {2}
        assert graph.node("agent").told == ["one", "two"]

    during(talk(voice={"gain": 1}), do)


def test_now_means_in_mid_sentence_and_nothing_is_said_twice() -> None:
    async def do(graph: Graph) -> None:
        gen = graph.node("user").say("one")
        await asyncio.sleep(0.42)
        await graph.swaps.apply(plan(talk(voice={"gain": 2})), "now")
        await asyncio.sleep(2)
        who = heard(graph, gen)
        assert who == sorted(who)
        assert set(who) == {1, 2}
        texts = [frame.of.text for frame in graph.node("out").heard if frame.of]
        assert texts == [*(f"w{i} " for i in range(10)), ""]
        assert not graph.fence.turns

    during(talk(voice={"gain": 1}), do)


def test_an_agent_that_goes_in_mid_reply_ends_it_and_its_memory_lives_on() -> None:
    async def do(graph: Graph) -> None:
        gen = graph.node("user").say("one")
        await asyncio.sleep(0.42)
        await graph.swaps.apply(plan(talk(agent={"gain": 2})), "now")
        await asyncio.sleep(2)
        assert 2 < len(heard(graph, gen)) < 10
        assert not graph.fence.turns, "the reply ended by itself"
        graph.node("user").say("two")
        await asyncio.sleep(2)
        assert graph.node("agent").told == ["one", "two"]

    during(talk(), do)


def test_a_barge_in_while_a_change_waits_lets_it_through_and_nothing_stale_is_heard() -> None:
    async def do(graph: Graph) -> None:
        first = graph.node("user").say("one")
        await asyncio.sleep(0.4)
        change = asyncio.ensure_future(graph.swaps.apply(plan(talk(voice={"gain": 2}))))
        await asyncio.sleep(0.1)
        graph.fence.cut("barge-in")
        so_far = len(heard(graph, first))
        await asyncio.wait_for(change, 0.2)
        second = graph.node("user").say("two")
        await asyncio.sleep(2)
        assert len(heard(graph, first)) == so_far
        assert set(heard(graph, second)) == {2}

    during(talk(voice={"gain": 1}), do)


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


def test_a_new_node_that_fails_at_its_first_work_is_taken_back() -> None:
    async def do(graph: Graph) -> None:
        await graph.swaps.apply(plan(talk(voice={"gain": 2, "breaks": "work"})))
        graph.node("user").say("one")
        await asyncio.sleep(3)
        assert graph.node("voice").settings.gain == 1
        assert [change.cause for change in graph.swaps.history] == ["edit", "failure"]
        second = graph.node("user").say("two")
        await asyncio.sleep(3)
        assert heard(graph, second) == [1] * 11

    during(talk(voice={"gain": 1}), do)


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

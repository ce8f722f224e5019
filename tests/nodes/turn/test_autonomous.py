"""When the avatar speaks by itself, and when it holds its tongue; all on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs import running
from tests.nodes.agent.talk import EDGES, HEARD, NODES, ScriptedAgent, errors
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import Speech, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.nodes.turn._audience import Audience
from vaidol.nodes.turn.autonomous import AUTONOMOUS

SHIFT_S = 1.2 * 3600.0


class Ear(Node[Settings]):
    """Says that somebody speaks when a test says so."""

    outputs = (Port("speech", Speech, source=True),)

    def speech(self, active: bool) -> None:
        self.emit("speech", Speech(active=active))


def alone(scene: Callable[[Graph], Awaitable[None]], **wanted: Any) -> Graph:
    """Run `scene` beside a conversation that may begin by itself; returns the graph after its end."""

    async def main() -> Graph:
        nodes = {
            **NODES, "agent": (ScriptedAgent, {"prompt": "Be nice."}), "ear": Ear,
            "alone": ("turn.autonomous", {"prompts": ["Tell a joke"], "alone": 0, **wanted}),
        }  # fmt: skip
        edges = [*EDGES, HEARD, "ear.speech -> alone.speech", "alone.user -> agent.user"]
        async with running(nodes, edges, ends={"call": CallDouble()}) as graph:
            await scene(graph)
            graph.memory = graph.node("agent").memory.messages()  # type: ignore[attr-defined]
        return graph

    return run_virtual(main())


def begun(graph: Graph) -> list[float]:
    """When it began to speak, s."""
    return [e.ns / 1e9 for e in graph.events if e.name == "turn_begin" and e.trace >= AUTONOMOUS]


def wait(seconds: float) -> Callable[[Graph], Awaitable[None]]:
    async def scene(_: Graph) -> None:
        await asyncio.sleep(seconds)

    return scene


def test_it_speaks_after_a_silence_and_not_before() -> None:
    graph = alone(wait(100), after_s=30, gap_s=0)
    times = begun(graph)
    assert 30 <= times[0] < 31
    assert len(times) == 3
    assert min(later - sooner for sooner, later in pairwise(times)) >= 30
    assert graph.node("agent").asked[0][-1] == {"role": "user", "content": "(Tell a joke)"}
    assert errors(graph) == []


def test_the_prompt_is_not_remembered_but_the_answer_is() -> None:
    remembered = alone(wait(60), after_s=30).memory  # type: ignore[attr-defined]
    assert "Tell a joke" not in [m["content"] for m in remembered if m["role"] == "user"]
    assert any(m["role"] == "assistant" for m in remembered)


def test_it_speaks_every_so_often_within_its_budget_and_its_gap() -> None:
    assert len(begun(alone(wait(3599), after_s=0, every_s=60, gap_s=0, per_hour=10))) == 10
    times = begun(alone(wait(600), after_s=0, every_s=1, gap_s=100, per_hour=1000))
    assert min(later - sooner for sooner, later in pairwise(times)) >= 100
    assert len(times) == 6


def test_it_falls_silent_when_nobody_is_there_until_somebody_is() -> None:
    async def scene(graph: Graph) -> None:
        await asyncio.sleep(1000)
        assert len(begun(graph)) == 2
        assert graph.node("alone").report()["resting"]
        graph.node("user").say("I am back")
        await asyncio.sleep(100)

    assert len(begun(alone(scene, after_s=30, alone=2))) == 4


def test_it_never_speaks_while_somebody_does() -> None:
    async def scene(graph: Graph) -> None:
        graph.node("ear").speech(True)
        await asyncio.sleep(300)
        assert begun(graph) == []
        assert graph.node("alone").tell("Say now")
        await asyncio.sleep(60)
        assert begun(graph) == []
        graph.node("ear").speech(False)
        await asyncio.sleep(20)
        assert graph.node("agent").asked[0][-1]["content"] == "(Say now)"

    assert len(begun(alone(scene, after_s=30))) == 1


def test_it_is_interrupted_like_any_other_reply() -> None:
    async def scene(graph: Graph) -> None:
        graph.node("alone").tell("Say now")
        await asyncio.sleep(3)
        graph.node("user").say("Stop that")
        await asyncio.sleep(10)

    graph = alone(scene, after_s=300)
    assert [e.code for e in graph.events if e.name == "turn_cut"] == ["superseded"]


def test_who_switches_it_off_stops_it_at_once() -> None:
    async def scene(graph: Graph) -> None:
        graph.node("alone").tell("Say now")
        await asyncio.sleep(3)
        graph.node("alone").switch(False)
        assert graph.fence.turns == ()
        await asyncio.sleep(1000)
        assert len(begun(graph)) == 1
        graph.node("alone").switch(True)
        await asyncio.sleep(40)

    assert len(begun(alone(scene, after_s=30))) == 2


def test_stop_means_stop() -> None:
    async def scene(graph: Graph) -> None:
        graph.node("alone").tell("Say now")
        await asyncio.sleep(3)
        graph.fence.cut("stopped by the user")
        await asyncio.sleep(1000)

    assert len(begun(alone(scene, after_s=30, alone=5))) == 1


def test_it_greets_who_joins() -> None:
    async def scene(graph: Graph) -> None:
        graph.events.publish("joined")
        await asyncio.sleep(5)

    graph = alone(scene, after_s=0, on_join="Greet the guest")
    assert graph.node("agent").asked[0][-1]["content"] == "(Greet the guest)"


def test_it_notices_who_begins_to_watch_within_its_gap_and_its_budget() -> None:
    async def scene(graph: Graph) -> None:
        for count in range(1, 41):
            graph.events.publish("viewer", value=count)
            await asyncio.sleep(1)
        await asyncio.sleep(300)

    graph = alone(scene, after_s=0, on_viewer="Greet number {count}", gap_s=15, per_hour=2)
    asked = [messages[-1]["content"] for messages in graph.node("agent").asked]
    assert asked[0] == "(Greet number 2)"  # polite_s after the first
    assert len(asked) == 2
    assert begun(graph)[1] - begun(graph)[0] >= 15


def test_what_it_says_by_itself_need_not_be_remembered() -> None:
    async def scene(graph: Graph) -> None:
        graph.node("user").say("I am Ann")
        await asyncio.sleep(10)
        graph.node("alone").tell("Say now")
        await asyncio.sleep(10)

    for remember in (True, False):
        told = alone(scene, after_s=0, remember=remember).memory  # type: ignore[attr-defined]
        said = " ".join(message["content"] for message in told if message["role"] == "assistant")
        assert "You said I am Ann" in said
        assert ("You said (Say now)" in said) == remember


def test_in_a_room_it_waits_for_the_others_and_falls_silent_among_characters() -> None:
    async def scene(graph: Graph) -> None:
        def others(on: bool, code: str = "") -> None:
            graph.fence.elsewhere = on
            graph.events.publish("others", value=float(on), code=code)

        others(True)
        assert graph.node("alone").tell("Say now")
        await asyncio.sleep(100)
        assert begun(graph) == []
        others(False)
        await asyncio.sleep(60)
        assert len(begun(graph)) == 2
        for _ in range(10):  # other characters go on: that is nobody who listens
            others(True)
            await asyncio.sleep(5)
            others(False)
            await asyncio.sleep(60)
        assert len(begun(graph)) == 3
        others(True, "person")
        others(False)
        await asyncio.sleep(60)

    assert len(begun(alone(scene, after_s=30, alone=3))) == 4


def test_what_waits_is_bounded() -> None:
    async def scene(graph: Graph) -> None:
        graph.node("ear").speech(True)
        assert [graph.node("alone").tell("x") for _ in range(9)] == [True] * 8 + [False]

    alone(scene)


def test_no_prompt_comes_twice_before_all_have_come() -> None:
    async def scene(graph: Graph) -> None:
        await asyncio.sleep(400)

    graph = alone(scene, after_s=0, every_s=20, gap_s=0, prompts=["a", "b", "c"])
    asked = [messages[-1]["content"] for messages in graph.node("agent").asked[:9]]
    assert all(set(asked[at : at + 3]) == {"(a)", "(b)", "(c)"} for at in (0, 3, 6))


def test_hours_of_it_stay_within_the_budget() -> None:
    times = begun(alone(wait(SHIFT_S), after_s=0, every_s=120, gap_s=30, per_hour=12))
    assert all(sum(first <= when < first + 3600 for when in times) <= 12 for first in times)
    assert len(times) > 12


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 40), st.sampled_from(["on", "off", "say", "tell", "stop"])), max_size=15))
def test_it_never_begins_over_somebody(script: list[tuple[float, str]]) -> None:
    speaking: list[tuple[float, float]] = []

    async def scene(graph: Graph) -> None:
        ear = graph.node("ear")
        began: list[float] = []

        def talk(active: bool) -> None:
            ear.speech(active)
            if active and not began:
                began.append(graph.clock.s())
            elif not active and began:
                speaking.append((began.pop(), graph.clock.s()))

        do: dict[str, Callable[[], object]] = {
            "on": lambda: talk(True),
            "off": lambda: talk(False),
            "say": lambda: graph.node("user").say("hello"),
            "tell": lambda: graph.node("alone").tell("now"),
            "stop": lambda: graph.fence.cut("stopped by the user"),
        }
        for after, what in script:
            await asyncio.sleep(after)
            do[what]()

    graph = alone(scene, after_s=5, gap_s=1)
    assert not [t for t in begun(graph) for start, end in speaking if start < t < end]
    own = {e.gen for e in graph.events if e.name == "turn_begin" and e.trace >= AUTONOMOUS}
    cut = {e.gen: e.ns for e in graph.events if e.name == "turn_cut" and e.code == "superseded"}
    for event in graph.events:  # what it begins cuts nobody's reply
        if event.name == "turn_begin" and event.gen in own:
            assert event.ns not in cut.values()


def test_what_an_audience_writes_is_answered_the_best_first() -> None:
    async def scene(graph: Graph) -> None:
        chat = graph.node("alone")
        for who, text, rank in (("Ann", "hi", 0), ("Bob", "why?", 1), ("Cleo", "take this", 3)):
            chat.process("chat", Transcript(text=text, who=who, rank=rank))
        await asyncio.sleep(12)
        graph.node("ear").speech(True)
        await asyncio.sleep(200)
        graph.node("ear").speech(False)
        await asyncio.sleep(30)

    graph = alone(scene, after_s=0, chat_prompt="{name}: {text}", chat_patience_s=60)
    assert [messages[-1]["content"] for messages in graph.node("agent").asked] == ["Cleo: take this", "Bob: why?"]
    memory = graph.memory  # type: ignore[attr-defined]
    assert [message["content"] for message in memory if message["role"] == "user"] == ["Cleo: take this", "Bob: why?"]
    assert graph.cells["alone"].counts == {"chat_answered": 2, "chat_waited_too_long": 1}


@given(st.lists(st.integers(0, 3), max_size=300))
def test_an_audience_never_fills_the_memory_and_loses_the_least_wanted(ranks: list[int]) -> None:
    lost: list[str] = []
    audience = Audience("best", 60.0, Random(0), lambda why, by: lost.extend([why] * by))
    for number, rank in enumerate(ranks):
        audience.add(Transcript(text=str(number), rank=rank), 0.0)
    assert len(audience) == min(len(ranks), 200)
    assert lost == ["chat_crowded_out"] * (len(ranks) - len(audience))  # none without being counted
    taken = [audience.take().rank for _ in range(len(audience))]
    assert taken == sorted(ranks, reverse=True)[:200]

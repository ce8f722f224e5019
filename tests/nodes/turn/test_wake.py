"""When the avatar listens that has to be called by its name; on virtual time."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.graphs import idle, play, running, sink, source
from tests.nodes.agent.talk import EDGES, HEARD, NODES, ScriptedAgent
from tests.nodes.webrtc.call_double import CallDouble
from vaidol import pipelines
from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import Speech, Transcript, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.nodes.turn._phrases import said, slips
from vaidol.nodes.turn.wake import WakeSettings


class Room(Node[Settings]):
    """Tells who speaks and who holds the key."""

    outputs = (Port("speech", Speech, source=True), Port("talk", Speech, source=True))


def nap(scene: Callable[[Graph, CallDouble], Awaitable[None]], **wanted: Any) -> tuple[Graph, CallDouble]:
    """Run `scene` beside an avatar called Vai; returns the graph after its end, and what the page was told."""

    async def main() -> tuple[Graph, CallDouble]:
        nodes = {
            **NODES, "agent": (ScriptedAgent, {"prompt": "Be nice."}), "room": Room, "page": "webrtc.data",
            "wake": ("turn.wake", {"persona": "vai", **wanted}),
        }  # fmt: skip
        edges = [edge for edge in EDGES if edge != "user.text -> agent.user"]
        edges += ["user.text -> wake.user", "room.speech -> wake.speech", "room.talk -> wake.talk"]
        edges += ["wake.user -> agent.user, page.transcript", "page.text -> agent.user"]
        call = CallDouble()
        async with running(nodes, [*edges, HEARD], ends={"call": call}) as graph:
            await scene(graph, call)
            await idle(graph)
        return graph, call

    return run_virtual(main())


def asked(graph: Graph) -> list[str]:
    return [messages[-1]["content"] for messages in graph.node("agent").asked]


def states(call: CallDouble) -> list[str]:
    return [message["value"] for message in call.of("state")]


def says(*lines: tuple[float, str], **how: Any) -> Callable[[Graph, CallDouble], Awaitable[None]]:
    async def scene(graph: Graph, _: CallDouble) -> None:
        for pause_s, text in lines:
            await asyncio.sleep(pause_s)
            graph.node("user").say(text, **how)

    return scene


def test_it_listens_after_its_name_until_nobody_has_spoken_for_a_while() -> None:
    graph, call = nap(
        says((1, "Pass me the salt"), (2, "Hey, VAI! Hello"), (12, "and now?"), (12, "more"), (40, "Bye then"))
    )
    assert asked(graph) == ["Hey, VAI! Hello", "and now?", "more"]
    assert states(call) == ["asleep", *["thinking", "speaking", "listening"] * 3, "asleep"]
    assert call.of("state")[0]["call"] == "Vai"
    shown = [message["text"] for message in call.of("subtitle") if message["who"] == "user"]
    assert shown == asked(graph)  # nothing of what was said to others
    assert graph.cells["wake"].counts == {"not_meant": 2, "called": 1}


def test_what_was_said_to_others_is_neither_remembered_nor_left_under_way() -> None:
    async def scene(graph: Graph, _: CallDouble) -> None:
        gen = graph.node("user").say("secret")
        assert graph.fence.turns == ()
        assert not graph.fence.alive(gen)
        graph.node("user").say("Vai?")
        await asyncio.sleep(10)

    graph, _ = nap(scene)
    assert not [m for m in graph.node("agent").memory.messages() if "secret" in m["content"]]


def test_a_guess_that_it_is_meant_is_not_heard_twice() -> None:
    async def scene(graph: Graph, _: CallDouble) -> None:
        gen = graph.node("user").say("not for you", speculative=True)
        assert graph.fence.alive(gen)  # else the turn node sent it once more
        assert graph.fence.commit(gen)
        assert not graph.fence.alive(gen)
        gone = graph.node("user").say("not this", speculative=True)
        graph.fence.abandon(gone)
        meant = graph.node("user").say("Vai, this", speculative=True)
        assert graph.fence.commit(meant)

    assert asked(nap(scene)[0]) == ["Vai, this"]


def test_the_key_to_talk_and_typed_text_wake_it() -> None:
    async def scene(graph: Graph, call: CallDouble) -> None:
        room, user = graph.node("room"), graph.node("user")
        room.emit("talk", Speech(active=True))
        await asyncio.sleep(60)  # held for long
        room.emit("talk", Speech(active=False))
        user.say("by key")
        await asyncio.sleep(60)
        user.say("to others")
        call.message({"t": "text", "text": "typed"})
        await asyncio.sleep(15)
        user.say("and spoken")
        await asyncio.sleep(15)
        room.emit("speech", Speech(active=True))
        await asyncio.sleep(60)
        room.emit("speech", Speech(active=False))
        user.say("a long story")

    assert asked(nap(scene)[0]) == ["by key", "typed", "and spoken", "a long story"]


def test_what_is_heard_before_the_end_shows_that_it_wakes() -> None:
    async def scene(graph: Graph, call: CallDouble) -> None:
        for text, expected in (("so I said", ["asleep"]), ("so I said, Vai", ["asleep", "listening"])):
            graph.node("user").emit("text", Transcript(text=text, trace=1))
            assert states(call) == expected
        assert [message["text"] for message in call.of("subtitle")] == ["so I said, Vai"]

    nap(scene)


@pytest.mark.parametrize(
    ("phrases", "text", "expected"),
    [
        (["Vai"], "K-Vai", True), (["Vai"], "hey VÁI, what's up?", True), (["Vai"], "in vain", False),
        (["Vai"], "why not", False), (["hey robot"], "Hey, Robert!", False), (["hey robot"], "Heyrobot...", True),
        (["hey robot"], "hay robot stop", True), (["Aurora"], "Arora, hi", True), (["Aurora"], "our aura", False),
        (["Jörg"], "hallo JORG", True), (["小爱"], "你好小爱，今天", True), (["小爱"], "你好小明", False),
        (["さくら"], "ねえ、さくら！", True), (["Аня"], "привет, аня", True), (["Çağla"], "çağla?", True),
        (["Vai"], "", False),
    ],
)  # fmt: skip
def test_a_name_is_heard_as_recognizers_spell_it(phrases: list[str], text: str, expected: bool) -> None:
    assert said(phrases, text) is expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_slips_are_counted_alike_from_both_sides(one: str, other: str) -> None:
    assert slips(one, other, 100) == slips(other, one, 100) <= max(len(one), len(other))
    assert (slips(one, other, 2) <= 2) == (slips(one, other, 100) <= 2)
    assert slips(one, one, 0) == 0


@pytest.mark.parametrize("wanted", [{}, {"phrases": ["?!"]}])
def test_it_must_have_something_to_be_called(wanted: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="what is it to be called"):
        WakeSettings(**wanted)


@pytest.mark.models
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
def test_the_recognizer_of_the_pipeline_hears_the_name() -> None:
    from vaidol.tests.bench._speech import say

    spec = yaml.safe_load((Path(pipelines.__path__[0]) / "wake.yaml").read_text())["nodes"]
    lines = "Please pass me the salt.", "Hey Vai, do you like cats?"

    async def do(graph: Graph) -> None:
        for number, line in enumerate(lines, 1):
            sound, gen = say(line), graph.fence.begin(number)
            told = Utterance(samples=sound, rate=48_000, gen=gen, trace=number, final=True)
            graph.node("voice").emit("out", told)
            heard = [0]
            while graph.clock.s() < 100 and number not in heard:
                await asyncio.sleep(0.1)
                heard = [event.trace for event in graph.events if event.name == "transcript"]
        graph.fence.cut("test")

    nodes = {name: (spec[name]["use"], spec[name]["with"]) for name in ("asr", "wake")}
    voice, edges = (
        source(Utterance, []),
        ["voice.out -> asr.audio", "asr.transcript -> wake.user", "wake.user -> ear.in"],
    )
    result = play({"voice": voice, **nodes, "ear": sink(Transcript)}, edges, do=do)
    assert result.errors == []
    assert [frame.text.rstrip("?") for frame in result.frames("ear")] == ["Hey Vai, do you like cats"]

"""The ends of a call on virtual time: what is played, said and shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Audio, Cue, Sentence, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.nodes.webrtc._commands import to_message

RATE = 48_000
RESTART = {"policy": "restart", "max": 3, "window_s": 60, "backoff_s": 0.1}


class Speaks(Node[Settings]):
    """Test double: answers every transcript word by word, each word one sentence of half a second of a tone."""

    inputs = (Port("user", Transcript, many=True),)
    outputs = (Port("audio", Audio, rate=RATE, dtype="f32"), Port("cue", Cue))
    replies = True

    async def process(self, port: str, frame: Transcript) -> None:
        if frame.text == "fail":
            raise ProviderError("the voice is hoarse")
        words = frame.text.split()
        self.emit("cue", Cue(name="joy", **frame.stamp()))
        for number, word in enumerate(words):
            sentence = Sentence(text=f"{word} {word} {word} {word}", seq=number, **frame.stamp())
            for part in range(25):
                samples = np.full(960, 0.25 + 0.5 * (number % 2), np.float32)
                last = part == 24
                final = last and number == len(words) - 1
                await self.send(
                    "audio",
                    Audio(samples=samples, rate=RATE, of=sentence, sentence_end=last, final=final, **frame.stamp()),
                )


class Ear(Node[Settings]):
    """Test double: takes commands."""

    inputs = (Port("in", Cue),)

    def process(self, port: str, frame: Cue) -> None: ...


PIPELINE = {
    "version": 1,
    "name": "talk",
    "nodes": {"out": {"use": "webrtc.out"}, "voice": {"use": "test.speaks"}, "page": {"use": "webrtc.data"}},
    "edges": [
        "page.text -> voice.user",
        "voice.audio -> out.audio",
        "out.spoken -> page.spoken",
        "voice.cue -> page.cue",
    ],
}


def talk(
    scene: Callable[[CallDouble, Graph], Coroutine[Any, Any, None]], pipeline: dict[str, Any] = PIPELINE
) -> CallDouble:
    """Run `scene` beside the pipeline and return what the call was given."""

    async def main() -> CallDouble:
        registry = Registry("vaidol.nodes", {"test.speaks": Speaks, "test.ear": Ear})
        call = CallDouble()
        engine = Engine(registry)
        async with Graph(compile_plan(from_dict(pipeline), registry), engine, ends={"call": call}) as graph:
            await scene(call, graph)
        engine.close()
        return call

    return run_virtual(main())


def test_typed_text_is_answered_with_sound_subtitles_and_states() -> None:
    async def scene(call: CallDouble, graph: Graph) -> None:
        call.message({"t": "text", "text": "one two"})
        await asyncio.sleep(3)
        assert graph.idle

    call = talk(scene)
    assert [m["value"] for m in call.of("state")] == ["thinking", "speaking", "listening"]
    assert call.of("turn") == [{"t": "turn", "turn": 1, "status": "done"}]
    assert [(m["who"], m["text"], m["final"]) for m in call.of("subtitle")] == [
        ("user", "one two", True),
        ("avatar", "one one one one", True),
        ("avatar", "two two two two", True),
    ]
    loud = np.abs(call.sound()) > 0
    assert loud.sum() == pytest.approx(RATE, abs=200)  # 2 x 0.5 s, and the 3 ms slide to silence
    starts = [m["at"] for m in call.of("subtitle") if m["who"] == "avatar"]
    assert starts[0] == np.flatnonzero(loud)[0]
    assert starts[1] - starts[0] == RATE // 2
    assert call.of("expression")[0]["name"] == "joy"


def test_packets_come_every_20_ms_with_a_continuous_cursor() -> None:
    async def scene(call: CallDouble, graph: Graph) -> None:
        await asyncio.sleep(1)

    call = talk(scene)
    assert [pts for pts, _ in call.played] == [n * 960 for n in range(len(call.played))]
    assert len(call.played) in (49, 50)
    assert all(samples.dtype == np.int16 and samples.shape == (960,) for _, samples in call.played)


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.3, 0.77])
def test_stop_silences_at_once_and_says_what_was_heard(after_s: float) -> None:
    async def scene(call: CallDouble, graph: Graph) -> None:
        call.message({"t": "text", "text": "one two three"})
        await asyncio.sleep(after_s + 0.001)
        before = len(call.played)
        call.message({"t": "interrupt"})
        await asyncio.sleep(1)
        tail = np.concatenate([samples for _, samples in call.played[before:]])
        assert np.all(tail[144:] == 0)  # at most the 3 ms slide from the last sample

    call = talk(scene)
    cut = call.of("cut")[0]
    assert call.of("turn")[0]["status"] == "cut"
    assert "one one one one two two two two".startswith(cut["heard"])
    assert bool(cut["heard"]) == (after_s >= 0.3)


def test_new_text_interrupts_and_nothing_of_the_old_reply_follows() -> None:
    async def scene(call: CallDouble, graph: Graph) -> None:
        call.message({"t": "text", "text": "one one one one"})
        await asyncio.sleep(0.6)
        call.message({"t": "text", "text": "two"})
        await asyncio.sleep(2)

    call = talk(scene)
    assert [(m["turn"], m["status"]) for m in call.of("turn")] == [(1, "cut"), (2, "done")]
    after = call.sent.index(call.of("cut")[0])
    assert not any(m.get("text", "").startswith("one") for m in call.sent[after + 1 :])


def test_a_reply_that_fails_ends_its_turn_and_says_why() -> None:
    async def scene(call: CallDouble, graph: Graph) -> None:
        call.message({"t": "text", "text": "fail"})
        await asyncio.sleep(0.5)
        call.message({"t": "text", "text": "well"})
        await asyncio.sleep(1.5)

    call = talk(scene)
    assert [(m["message"], m["node"]) for m in call.of("error")] == [("the voice is hoarse", "voice")]
    assert [m["status"] for m in call.of("turn")] == ["failed", "done"]
    assert call.of("state")[-1]["value"] == "listening"


def test_a_hold_fades_and_a_resume_goes_on_without_losing_a_sample() -> None:
    async def scene(call: CallDouble, graph: Graph) -> None:
        call.message({"t": "text", "text": "one"})
        await asyncio.sleep(0.2)
        graph.fence.hold()
        await asyncio.sleep(1)
        assert np.all(call.played[-1][1] == 0)
        graph.fence.resume()
        await asyncio.sleep(1)

    call = talk(scene)
    assert (np.abs(call.sound()) > 0).sum() == pytest.approx(RATE // 2, abs=300)
    assert call.of("turn")[0]["status"] == "done"


def test_what_somebody_outside_wants_reaches_the_client_and_the_puppets_elsewhere() -> None:
    wishes: list[Any] = [
        {"t": "expression", "name": "joy", "weight": 0.5, "ms": 200, "hold_ms": 1000},
        {"t": "motion", "name": "TapBody", "group": "TapBody", "index": 1, "priority": "force"},
        {"t": "param", "id": "ParamAngleX", "value": -20.0, "weight": 0.5, "ms": 100},
        {"t": "gaze", "x": -0.5, "y": 0.25, "ms": 300},
    ]
    taken: list[Cue] = []

    async def scene(call: CallDouble, graph: Graph) -> None:
        graph.tap("page.command -> ear.in", taken.append)  # type: ignore[arg-type]
        for wish in wishes:
            call.message(wish)

    pipeline = {
        **PIPELINE,
        "nodes": {**PIPELINE["nodes"], "ear": {"use": "test.ear"}},  # type: ignore[dict-item]
        "edges": [*PIPELINE["edges"], "page.command -> ear.in"],
    }
    call = talk(scene, pipeline)
    assert call.sent[-4:] == wishes
    assert [{**to_message(cue), "at": None} for cue in taken] == [{**wish, "at": None} for wish in wishes]


def test_echo_gives_the_microphone_back() -> None:
    pipeline = {
        "version": 1,
        "name": "echo",
        "nodes": {"mic": {"use": "webrtc.in"}, "out": {"use": "webrtc.out"}},
        "edges": ["mic.audio -> out.audio"],
    }

    async def scene(call: CallDouble, graph: Graph) -> None:
        for number in range(50):
            call.audio(np.full(960, (number + 1) / 100, np.float32), RATE)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)

    call = talk(scene, pipeline)
    heard = sorted({int(v) for v in call.sound()[::960]} - {0})
    assert heard == [round((n + 1) / 100 * 32767) for n in range(50)]


def test_a_node_that_was_restarted_listens_once_and_a_closed_graph_not_at_all() -> None:
    async def scene(call: CallDouble, graph: Graph) -> None:
        assert call.registered == {"message": 1, "join": 1, "others": 1}
        graph.node("page")._say = None
        call.message({"t": "text", "text": "one"})
        await asyncio.sleep(2)
        assert call.registered == {"message": 1, "join": 1, "others": 1}
        call.message({"t": "text", "text": "one"})
        await asyncio.sleep(1)

    pipeline = {**PIPELINE, "nodes": {**PIPELINE["nodes"], "page": {"use": "webrtc.data", "on_error": RESTART}}}  # type: ignore[dict-item]
    call = talk(scene, pipeline)
    assert [message["node"] for message in call.of("error")] == ["page"]
    assert [message["text"] for message in call.of("subtitle") if message["who"] == "user"] == ["one"]
    assert not any(call.registered.values())


@pytest.mark.parametrize("stall_s", [0.3, 10.0])
def test_a_stall_leaves_no_delay_in_live_sound(stall_s: float) -> None:
    """The microphone stalls, then all of it comes at once; each 20 ms has its own level."""
    pipeline = {
        "version": 1,
        "name": "echo",
        "nodes": {"mic": {"use": "webrtc.in"}, "out": {"use": "webrtc.out", "with": {"live": True}}},
        "edges": ["mic.audio -> out.audio"],
    }

    async def scene(call: CallDouble, graph: Graph) -> None:
        held = 0
        for number in range(int((stall_s + 4) * 50)):
            stalled = 1.0 <= number / 50 < 1.0 + stall_s
            held += 1
            while held and not stalled:
                held -= 1
                call.audio(np.full(960, (number - held + 1) / 2000, np.float32), RATE)
            await asyncio.sleep(0.02)

    call = talk(scene, pipeline)
    late = {}
    for at, samples in call.played:
        if level := round(float(samples[480]) / 32767 * 2000):
            late[at // 960] = at // 960 - level
    usual = late[40]
    again = int((1.0 + stall_s + 0.5) * 50)
    assert max(late[n] for n in late if n >= again) <= usual + 1
    steps = np.abs(np.diff(call.sound().astype(np.int32)))[int((1.1 + stall_s) * RATE) :]
    assert steps.max() < 600  # no click: a jump by stall_s spread over 5 ms

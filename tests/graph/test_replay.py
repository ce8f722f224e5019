"""Replays: what left one port leaves it again, in a changed pipeline, and the two can be compared."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaidol import pipelines
from vaidol.graph import yamlfile
from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.ends import ENDS
from vaidol.graph.engine import Engine
from vaidol.graph.extends import edges_from_text
from vaidol.graph.frames import Audio
from vaidol.graph.mcapfile import BadRecording, Recording, read, write
from vaidol.graph.recorder import Dump, Recorded, Recorder
from vaidol.graph.registry import Registry
from vaidol.graph.replay import EAR_KIND, KIND, Ear, begin_at, cut_down, playing, sound, turns
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import check
from vaidol.graph.yamlfile import expand_environment, parse
from vaidol.tests.graph.swapping import KINDS, during, talk


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Two replies, the second of which is interrupted."""
    path = tmp_path_factory.mktemp("recording") / "a.mcap"

    async def do(graph: Graph) -> None:
        recorder = Recorder(graph)
        graph.mark(1, "speech_end")
        await asyncio.sleep(0.2)
        graph.node("user").say("one")
        await asyncio.sleep(3)
        graph.node("user").say("two")
        await asyncio.sleep(0.4)
        graph.fence.cut("barge-in")
        await asyncio.sleep(1)
        write(recorder.dump("asked"), path)

    during(talk(voice={"gain": 1}), do)
    return read(path)


def replayed(recording: Recording, port: str, **voice: Any) -> tuple[Dump, list[Audio]]:
    kinds = Registry("vaidol.nodes", extra={**KINDS, **ENDS, KIND: playing(recording, port), EAR_KIND: Ear})
    document = parse(recording.written, "recorded")
    document.data["nodes"]["voice"]["with"] = voice
    edges_from_text(document)
    document.data = cut_down(document.data, port, kinds)
    plan = compile_plan(check(document), kinds)

    async def main() -> tuple[Dump, list[Audio]]:
        engine = Engine(kinds)
        async with Graph(plan, engine, session="replay") as graph:
            recorder = Recorder(graph, seconds=1000)
            looks = 0
            while looks < 3:
                await asyncio.sleep(0.1)
                looks = looks + 1 if graph.idle else 0
            dump = recorder.dump("replay")
            heard = graph.node("out").heard
        engine.close()
        return dump, heard

    return run_virtual(main())


def test_what_was_said_is_answered_anew_by_another_voice(recording: Recording) -> None:
    old = turns(recording)
    assert [(turn["user"], turn["status"]) for turn in old] == [("one", "done"), ("two", "cut")]
    dump, heard = replayed(recording, "user.text", gain=2)
    new = turns(dump)
    assert [(turn["user"], turn["status"]) for turn in new] == [("one", "done"), ("two", "cut")]
    assert new[0]["reply"] == old[0]["reply"] == " ".join(f"w{i}" for i in range(10))
    assert {frame.seq for frame in heard} == {2}
    assert len([frame for frame in heard if frame.gen == 1]) == 11
    assert new[0]["stages_ms"]["speech_end"] == 0


def test_it_can_begin_in_the_middle_and_drops_what_lies_before(recording: Recording) -> None:
    document = parse(recording.written, "recorded")
    edges_from_text(document)
    small = cut_down(document.data, "agent.text", Registry("vaidol.nodes", extra={**KINDS, **ENDS}))
    assert set(small["nodes"]) == {"agent", "voice", "out"}
    assert small["nodes"]["agent"] == {"use": KIND}
    dump, heard = replayed(recording, "agent.text", gain=3)
    assert {frame.seq for frame in heard} == {3}
    assert [turn["status"] for turn in turns(dump)] == ["done", "cut"]


def test_what_the_page_says_by_itself_is_not_behind_what_it_is_shown(recording: Recording) -> None:
    """The page gets transcripts, and its talk button leads to the turn: that is no way from the one to the other."""
    kinds = Registry("vaidol.nodes", extra={KIND: playing(recording, "user.text"), EAR_KIND: Ear})
    document = yamlfile.read(pipelines.find("default"))
    expand_environment(document)
    edges_from_text(document)
    document.data = cut_down(document.data, "asr.transcript", kinds)
    assert set(document.data["nodes"]) & {"mic", "vad", "turn"} == set()
    assert {"from": "out.played", "to": "replay_ear.audio"} in document.data["edges"]
    assert {edge["to"] for edge in document.data["edges"]} >= {"agent.user", "out.audio", "page.mouth"}


def test_a_port_without_anything_is_refused(recording: Recording) -> None:
    with pytest.raises(BadRecording, match=r"nothing of 'mic.audio' was recorded; there are: agent.text, user.text"):
        begin_at(recording, "mic.audio")
    with pytest.raises(BadRecording, match="no sound of the user"):
        begin_at(recording, "")


def test_sound_is_put_where_it_was() -> None:
    frames = [Recorded(0, "out.played", Audio(samples=np.full(480, 0.5, np.float32), rate=48_000, pts=pts)) for pts in (960, 2400)]  # noqa: E501  # fmt: skip
    found = sound(frames, ("out.played",))
    assert found is not None
    samples, rate = found
    assert rate == 48_000
    assert [bool(samples[at]) for at in (0, 479, 480, 1439, 1440, 1919)] == [True, True, False, False, True, True]
    assert len(samples) == 1920
    assert sound(frames, ("elsewhere",)) is None


def test_the_written_pipeline_of_a_recording_is_whole(recording: Recording, tmp_path: Path) -> None:
    assert "voice: {use: s.voice, with: {gain: 1}}" in recording.written

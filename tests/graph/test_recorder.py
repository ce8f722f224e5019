"""The flight recorder: what it keeps, how much, and that a file gives it back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaidol.graph.framejson import BadFrame, from_json, to_json
from vaidol.graph.frames import Audio, Cue, Frame, Mark, Sentence, TextDelta, Transcript, Word
from vaidol.graph.mcapfile import BadRecording, read, write
from vaidol.graph.recorder import Dump, Recorder, chosen
from vaidol.graph.scheduler import Graph
from vaidol.tests.graph.swapping import during, live, plan, talk

OF = Sentence(text="Hi.", speech="hi", cues=(Cue(name="joy", offset=1),), gen=3, trace=2)
FRAMES: list[Frame] = [
    Audio(samples=np.linspace(-1, 1, 480, dtype=np.float32), rate=24_000, of=OF, gen=3, words=(Word("hi", 0, 90.5),)),
    Audio(samples=np.arange(-5, 5, dtype=np.int16), rate=16_000, final=True),
    Transcript(text="héllo ☀", language="en", final=True, trace=7), TextDelta(text="x", seq=4), OF,
    Mark(kind="sentence_end", sentence=OF, pts=99),
]  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_frames_survive_as_json(frame: Frame) -> None:
    back = from_json(type(frame).__name__, to_json(frame))
    if isinstance(frame, Audio):
        assert isinstance(back, Audio)
        scale = 32768 if frame.samples.dtype == np.int16 else 1
        assert np.allclose(back.samples, frame.samples / scale, atol=1e-4)
        assert (back.rate, back.of, back.gen, back.words) == (frame.rate, frame.of, frame.gen, frame.words)
    else:
        assert back == frame


@pytest.mark.parametrize(("name", "data"), [("Nothing", {}), ("Audio", {"samples": 3}), ("Cue", {"name": []})])
def test_what_is_no_frame_is_refused(name: str, data: dict[str, Any]) -> None:
    with pytest.raises(BadFrame):
        from_json(name, data)


def test_it_keeps_the_last_seconds_and_no_more_than_its_bytes() -> None:
    async def do(graph: Graph) -> None:
        by_time, by_bytes = Recorder(graph, seconds=2), Recorder(graph, most_bytes=64_000)
        await asyncio.sleep(10)
        frames = by_time.dump("test").frames
        assert 98 <= len(frames) <= 102
        assert {one.port for one in frames} == {"mic.audio"}, "sound that is only handed on is not kept twice"
        assert by_bytes.held_bytes <= 64_000
        assert len(by_bytes.dump("test").frames) == 64_000 // (320 * 4)
        by_time.close()
        by_bytes.close()
        assert by_time.held_bytes == 0
        assert graph.taps.on("mic.audio -> dsp.audio") == 0

    during(live(), do)


def test_it_follows_a_swap() -> None:
    async def do(graph: Graph) -> None:
        recorder = Recorder(graph)
        assert recorder.ports == ["agent.text", "user.text", "voice.audio"]
        changed = talk(voice={"gain": 2})
        changed["nodes"]["spy"] = {"use": "s.dsp"}
        changed["nodes"]["other"] = {"use": "s.mic"}
        changed["edges"].append("other.audio -> spy.audio")
        await graph.swaps.apply(plan(changed))
        assert recorder.ports == ["agent.text", "other.audio", "user.text", "voice.audio"]
        graph.node("user").say("hello")
        await asyncio.sleep(3)
        dump = recorder.dump("test")
        assert [f.frame.text for f in dump.frames if isinstance(f.frame, Transcript)] == ["hello"]
        assert len([f for f in dump.frames if f.port == "voice.audio"]) == 11
        assert any(event.name == "swap" for event in dump.events)

    during(talk(), do)


def test_a_file_gives_everything_back_and_no_secret(tmp_path: Path) -> None:
    spec = talk()
    spec["nodes"]["blab"] = {"use": "s.blab", "with": {"key": "hunter2"}}
    made: list[Dump] = []

    async def do(graph: Graph) -> None:
        recorder = Recorder(graph)
        graph.node("user").say("hello")
        graph.mark(1, "speech_end")
        await asyncio.sleep(3)
        made.append(recorder.dump("asked"))

    during(spec, do)
    (dump,) = made
    path = tmp_path / "a.mcap"
    size = write(dump, path)
    assert size == path.stat().st_size
    assert list(tmp_path.iterdir()) == [path]
    back = read(path)
    assert (back.session, back.pipeline, back.reason) == ("s", "talk", "asked")
    assert [(f.ns, f.port, f.frame) for f in back.frames if not isinstance(f.frame, Audio)] == [
        (f.ns, f.port, f.frame) for f in dump.frames if not isinstance(f.frame, Audio)
    ]
    assert len(back.frames) == len(dump.frames)
    assert back.marks == dump.marks == [(1, "speech_end", 0)]
    assert "hunter2" not in back.written + repr(back.events)
    assert "**********" in back.written
    assert any("cannot use **********" in event.text for event in back.events)


def test_other_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    made: list[Dump] = []

    async def do(graph: Graph) -> None:
        recorder = Recorder(graph)
        await asyncio.sleep(3)
        made.append(recorder.dump("asked"))

    during(live(), do)
    whole = tmp_path / "whole.mcap"
    write(made[0], whole)
    data = whole.read_bytes()
    for name, content, said in (
        ("half.mcap", data[: len(data) // 2], "cut off"),
        ("tail.mcap", data[:-9], "cut off"),
        ("empty.mcap", b"", "cut off"),
        ("text.mcap", b"hello, this is no such file\n" * 20, "no MCAP file"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadRecording, match=said) as caught:
            read(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadRecording, match="there is no file"):
        read(tmp_path / "nowhere.mcap")
    from mcap.writer import Writer

    with (tmp_path / "foreign.mcap").open("wb") as stream:
        writer = Writer(stream)
        writer.start()
        writer.finish()
    with pytest.raises(BadRecording, match="no recording of vaidol"):
        read(tmp_path / "foreign.mcap")


def test_of_the_default_pipeline_the_ends_and_the_words_are_worth_it() -> None:
    from vaidol.server.cli import pipeline

    ports = set(chosen(pipeline.plan("default")[0]))
    assert {"mic.audio", "asr.transcript", "agent.text", "tts.audio", "out.played", "out.spoken"} <= ports
    assert not {"vad.audio", "lips.mouth"} & ports

"""What others in a room say comes out of a loudspeaker and into a microphone: that is no speech of its person."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tests.graphs import running, sink, source
from tests.nodes.vad.test_silero import KEY, Scripted
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import Audio, Speech
from vaidol.nodes.vad._ears import Ears

STEP, LATE = 960, 8  # samples, and packets by which the echo comes back: 160 ms


@pytest.mark.parametrize("told", [True, False])
def test_the_echo_of_others_is_no_speech(told: bool) -> None:
    async def main() -> list[bool]:
        call, rng = CallDouble(), np.random.default_rng(1)
        words = (0.2 * rng.standard_normal((150, STEP))).astype(np.float32)
        ear = sink(Speech)
        nodes = {
            "mic": "webrtc.in", "vad": "vad.silero", "out": "webrtc.out", "ear": ear,
            "voice": source(Audio, [], rate=48_000, dtype="f32", replies=True),
        }  # fmt: skip
        edges = [
            "mic.audio -> vad.audio", "vad.speech -> ear.in", "voice.out -> out.audio",
            {"from": "out.others", "to": "vad.others", "feedback": True},
        ]  # fmt: skip
        shared = {KEY: Ears(Scripted([], rest=1.0))}
        async with running(nodes, edges, ends={"call": call}, shared=shared) as graph:
            for number in range(len(words)):
                if told:
                    call.others(words[number])
                call.audio(0.5 * words[number - LATE] if number >= LATE else np.zeros(STEP, np.float32), 48_000)
                await asyncio.sleep(0.02)
            return [frame.active for _, frame in graph.node("ear").__dict__.get("got", [])]

    assert run_virtual(main()) == ([] if told else [True])

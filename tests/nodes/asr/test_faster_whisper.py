"""asr.faster_whisper: one transcript for every utterance, whatever happens; and real speech understood."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vaidol.graph.frames import Transcript, Utterance
from vaidol.graph.scheduler import Graph
from vaidol.models.whisper import Transcription
from vaidol.tests.graphs import Result, idle, play, sink, source

KEY = "whisper whisper-tiny.en cpu int8 1"
Hears = Callable[[NDArray[np.float32]], str]


class Scripted:
    """In the place of the network: says what `hears` returns for the samples."""

    def __init__(self, hears: Hears) -> None:
        self.hears = hears
        self.told: dict[str, Any] = {}

    def transcribe(self, samples: NDArray[np.float32], **told: Any) -> Transcription:
        self.told = told
        return Transcription(self.hears(samples), "en", -0.1, 0.0, False)


def hear(
    samples: NDArray[np.float32],
    network: Scripted | None,
    *,
    rate: int = 16_000,
    slow_s: float = 0.0,
    names: str = "",
    **settings: Any,
) -> Result:
    """Give one utterance to the node, as generation 1 of utterance 7; in a room with `names`."""

    async def do(graph: Graph) -> None:
        if slow_s:
            quick = graph.engine.workers.call

            async def slow(*args: Any) -> Any:
                await asyncio.sleep(slow_s)
                return await quick(*args)

            graph.engine.workers.call = slow  # type: ignore[method-assign]
        graph.fence.begin(7)
        graph.events.publish("names", text=names)
        await asyncio.sleep(0.1)
        ended = [event for event in graph.events if event.name in ("transcript", "error")]
        while not ended and graph.clock.s() < 100:
            await asyncio.sleep(0.1)
            ended = [event for event in graph.events if event.name in ("transcript", "error")]
        graph.fence.played_out(1)
        await idle(graph)

    utterance = Utterance(samples=samples, rate=rate, gen=1, trace=7, final=True)
    return play(
        {
            "turn": source(Utterance, [(0.05, utterance)]),
            "asr": ("asr.faster_whisper", settings),
            "page": sink(Transcript),
        },
        ["turn.out -> asr.audio", "asr.transcript -> page.in"],
        do=do,
        shared={KEY: network} if network else None,
    )


def second() -> NDArray[np.float32]:
    return np.full(16_000, 0.1, np.float32)


def test_a_transcript_carries_the_stamps_of_its_utterance() -> None:
    result = hear(second(), Scripted(lambda samples: f"{len(samples)} samples"))
    (transcript,) = result.frames("page")
    assert (transcript.text, transcript.final, transcript.gen, transcript.trace) == ("16000 samples", True, 1, 7)
    assert (transcript.language, transcript.typed) == ("en", False)
    assert [(e.text, e.trace) for e in result.named("transcript")] == [("16000 samples", 7)]
    assert [(e.code, e.trace) for e in result.named("mark")] == [("asr_done", 7)]


def test_hearing_nothing_is_told_too_so_that_the_turn_can_end() -> None:
    (transcript,) = hear(second(), Scripted(lambda _: "")).frames("page")
    assert (transcript.text, transcript.final, transcript.gen) == ("", True, 1)


@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_another_rate_is_converted(rate: int) -> None:
    result = hear(np.zeros(rate, np.float32), Scripted(lambda samples: str(len(samples))), rate=rate)
    assert result.frames("page")[0].text == "16000"


def test_language_and_prompt_reach_the_network() -> None:
    network = Scripted(lambda _: "hello")
    hear(second(), network, language="en", prompt="Live2D, vaidol")
    assert network.told == {"language": "en", "prompt": "Live2D, vaidol", "again": True}
    hear(second(), network)
    assert network.told == {"language": None, "prompt": None, "again": True}


def test_taking_too_long_ends_the_wait_with_a_sentence_and_an_empty_transcript() -> None:
    result = hear(second(), Scripted(lambda _: "late"), slow_s=30, timeout_s=5)
    assert result.errors == ["speech recognition took longer than 5 s"]
    assert [(t.text, t.final, t.gen) for t in result.frames("page")] == [("", True, 1)]


def test_a_network_that_fails_is_told_and_the_session_goes_on() -> None:
    def fail(samples: NDArray[np.float32]) -> str:
        raise RuntimeError("out of memory")

    result = hear(second(), Scripted(fail))
    assert result.errors == ["speech recognition failed: out of memory"]
    assert [(t.text, t.final) for t in result.frames("page")] == [("", True)]


@pytest.mark.parametrize("model", ["whisper-huge", "/no/such/folder"])
def test_a_model_that_is_not_there_is_named(model: str) -> None:
    result = hear(second(), None, model=model)
    assert model in result.errors[0]


@pytest.mark.models
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
def test_it_understands_a_voice_it_does_not_know() -> None:
    from vaidol.tests.bench._speech import say, words

    result = hear(say("How are you feeling today?"), None, rate=48_000)
    assert result.errors == []
    assert words(result.frames("page")[0].text) == ["how", "are", "you", "feeling", "today"]


@pytest.mark.models
def test_silence_is_nothing() -> None:
    assert [t.text for t in hear(np.zeros(16_000, np.float32), None).frames("page")] == [""]


def test_it_listens_for_the_names_of_those_in_the_room() -> None:
    network = Scripted(lambda samples: "Orla, hello")
    hear(np.zeros(16_000, np.float32), network, names="Orla, Pixel", hot_words=["vaidol"])
    assert network.told["prompt"] == "vaidol Orla, Pixel"
    hear(np.zeros(16_000, np.float32), network)
    assert network.told["prompt"] is None

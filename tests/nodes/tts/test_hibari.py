"""tts.hibari with its real voice, which the package brings."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from tests.graphs import joined, play, sink
from tests.nodes.tts.test_speaker import Texts
from vaidol.graph.frames import F32, Audio
from vaidol.graph.scheduler import Graph
from vaidol.models.hibari import Hibari
from vaidol.nodes.tts.hibari import HibariSettings

RATE = 24_000


@pytest.fixture(scope="module")
def hibari() -> Hibari:
    return Hibari()


def speak(hibari: Hibari, *speech: str, **settings: float) -> tuple[list[Audio], list[str]]:
    """The frames of one reply, and the errors."""

    async def say(graph: Graph) -> None:
        graph.node("texts").say(*speech)
        await graph.clock.sleep(60)

    result = play(
        {"texts": Texts, "voice": ("tts.hibari", settings), "end": sink(Audio)},
        ["texts.text -> voice.text", "voice.audio -> end.in"],
        do=say,
        shared={"hibari heart": hibari},
        turn={"first_audio_ms": 600_000},
    )
    return result.frames("end"), result.errors


def loud_ms(sound: F32) -> float:
    return float(np.count_nonzero(np.abs(sound) > 0.01)) * 1000 / RATE


@pytest.mark.models
def test_it_speaks_with_pauses_after_sentences_and_shorter_ones_after_clauses(hibari: Hibari) -> None:
    frames, errors = speak(hibari, "Well, you see,", "this is nice. Is it not?")
    assert errors == []
    assert frames[0].rate == RATE
    assert frames[-1].final
    clause, sentence = (joined(f for f in frames if f.of and f.of.seq == seq) for seq in (0, 1))
    assert loud_ms(clause) > 150
    assert loud_ms(sentence) > 400
    quiet = [len(sound) - int(np.flatnonzero(np.abs(sound) > 0.004)[-1]) for sound in (clause, sentence)]
    assert quiet[0] < 0.15 * RATE < 0.2 * RATE <= quiet[1]


@pytest.mark.models
def test_settings_change_tempo_and_loudness(hibari: Hibari) -> None:
    plain, fast, quiet = (
        joined(speak(hibari, "This is how I talk today.", **settings)[0])
        for settings in ({}, {"speed": 1.5}, {"gain": 0.5})
    )
    assert len(fast) < 0.85 * len(plain)
    assert np.abs(quiet).max() == pytest.approx(np.abs(plain).max() / 2, rel=1e-3)


@pytest.mark.models
def test_what_it_cannot_speak_is_told_and_the_rest_is_spoken(hibari: Hibari) -> None:
    frames, errors = speak(hibari, "こんにちは。", "...", "", "😀🎉", " — !? ", "Hello.")
    assert errors == ["the voice hibari speaks English only, and had no sound for a sentence"]
    spoken = {frame.of.speech for frame in frames if frame.of and len(frame.samples)}
    assert spoken == {"Hello."}
    assert frames[-1].final


def test_settings_out_of_range_fail_at_check() -> None:
    with pytest.raises(ValidationError):
        HibariSettings(speed=3)

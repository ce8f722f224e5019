"""vad.silero: where speech begins and ends, with scripted probabilities and with the real network."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.graphs import Result, pieces, play, sink, source
from vaidol.graph.frames import Audio, Speech
from vaidol.nodes.vad._ears import Ears

RATE, WINDOW = 16_000, 512
KEY = "silero silero-vad-16k"


class Scripted:
    """In the place of the network: probability `given[n]` for window n, `rest` behind them."""

    def __init__(self, given: list[float], rest: float = 0.0) -> None:
        self.given, self.rest, self.heard = given, rest, list[NDArray[np.float32]]()

    def state(self) -> None:
        return None

    def probabilities(self, windows: NDArray[np.float32], states: Sequence[None]) -> NDArray[np.float32]:
        assert windows.shape == (1, WINDOW)
        self.heard.append(windows[0])
        given = self.given[len(self.heard) - 1] if len(self.heard) <= len(self.given) else self.rest
        return np.array([given], np.float32)


def noise(windows: int, dbfs: float = -20.0) -> NDArray[np.float32]:
    samples = np.random.default_rng(1).standard_normal(windows * WINDOW) * 10 ** (dbfs / 20)
    return samples.astype(np.float32)


def hear(
    samples: NDArray[np.float32], network: Scripted | None = None, *, frame_ms: int = 20, **settings: Any
) -> Result:
    """Play `samples` at 16 kHz through the node."""
    return play(
        {
            "mic": source(Audio, pieces(samples, RATE, frame_ms=frame_ms), rate=RATE, dtype="f32"),
            "vad": ("vad.silero", settings),
            "speech": sink(Speech),
            "sound": sink(Audio),
        },
        ["mic.out -> vad.audio", "vad.speech -> speech.in", "vad.audio -> sound.in"],
        shared={KEY: Ears(network)} if network else None,
    )


def changes(result: Result) -> list[tuple[bool, float]]:
    """(active, window number) of each change."""
    return [(frame.active, frame.pts / WINDOW) for frame in result.frames("speech")]


@pytest.mark.parametrize("frame_ms", [5, 20, 32, 60, 500])
def test_onset_and_end_are_told_back_dated_whatever_the_frames(frame_ms: int) -> None:
    network = Scripted([0.1] * 10 + [0.9] * 20)
    result = hear(noise(50), network, frame_ms=frame_ms)
    assert changes(result) == [(True, 10), (False, 30)]
    heard = np.concatenate(network.heard)
    assert np.array_equal(heard, noise(50)[: len(heard)])
    assert np.array_equal(np.concatenate([frame.samples for frame in result.frames("sound")]), noise(50))


def test_they_are_told_after_onset_and_hangover() -> None:
    result = hear(noise(50), Scripted([0.1] * 10 + [0.9] * 20))
    (onset, _), (end, _) = result.at("speech")
    assert onset == pytest.approx((13 * WINDOW) / RATE, abs=0.02)  # 96 ms
    assert end == pytest.approx((36 * WINDOW) / RATE, abs=0.02)  # 192 ms


def test_a_click_opens_nothing_and_a_stop_consonant_closes_nothing() -> None:
    network = Scripted([0.9, 0.9, 0.1, 0.9, 0.9, 0.1] + [0.9] * 10 + [0.1] * 5 + [0.9] * 5)
    assert changes(hear(noise(50), network)) == [(True, 6), (False, 26)]


def test_it_takes_more_to_begin_than_to_go_on() -> None:
    assert changes(hear(noise(50), Scripted([0.4] * 20))) == []
    assert changes(hear(noise(50), Scripted([0.6] * 5 + [0.4] * 20))) == [(True, 0), (False, 25)]


def test_settings_change_how_long_it_takes() -> None:
    network = Scripted([0.1] * 10 + [0.9] * 20)
    result = hear(noise(80), network, onset_ms=320, hangover_ms=960)
    (onset, _), (end, _) = result.at("speech")
    assert changes(result) == [(True, 10), (False, 30)]
    assert onset == pytest.approx(20 * WINDOW / RATE, abs=0.02)
    assert end == pytest.approx(60 * WINDOW / RATE, abs=0.02)


def test_sound_below_the_least_level_or_near_the_noise_floor_opens_nothing() -> None:
    assert changes(hear(noise(40, -70), Scripted([0.9] * 30))) == []
    assert changes(hear(noise(400, -40), Scripted([0.1] * 200 + [0.9] * 50))) == []
    speech = np.concatenate((noise(200, -40), noise(50, -30), noise(50, -40)))
    assert changes(hear(speech, Scripted([0.1] * 200 + [0.9] * 50))) == [(True, 200), (False, 250)]


def test_an_end_is_told_at_the_last_sound_though_the_network_hears_speech_for_longer() -> None:
    voice = np.concatenate((noise(20)[: 20 * WINDOW - 300], noise(30, -80)))  # 18.75 ms before the end of window 19
    result = hear(voice, Scripted([0.9] * 22), hangover_ms=192)
    (_, began), (_, ended) = changes(result)
    assert began == 0
    assert ended == pytest.approx(20 - 300 / WINDOW, abs=64 / WINDOW)
    assert result.at("speech")[1][0] == pytest.approx(26 * WINDOW / RATE, abs=0.02)  # 192 ms after that, in windows


def test_an_end_is_not_looked_for_further_back_than_the_network_lags() -> None:
    whispered = np.concatenate((noise(10), noise(30, -58)))  # too soft to tell from the end, and heard as speech
    assert changes(hear(whispered, Scripted([0.9] * 20))) == [(True, 0), (False, 17)]


def test_in_a_noisy_room_the_end_is_where_the_voice_sinks_into_the_noise() -> None:
    room = noise(400, -45)
    room[300 * WINDOW : 350 * WINDOW - 200] += noise(50)[: 50 * WINDOW - 200]
    (_, began), (_, ended) = changes(hear(room, Scripted([0.1] * 300 + [0.9] * 52)))
    assert began == 300
    assert ended == pytest.approx(350 - 200 / WINDOW, abs=64 / WINDOW)


def test_sound_that_is_no_number_counts_as_silence() -> None:
    voice = noise(40)
    voice[20 * WINDOW :] = np.nan
    assert changes(hear(voice, Scripted([0.9] * 21))) == [(True, 0), (False, 20)]


def test_a_hole_in_the_sound_ends_speech_by_its_numbers() -> None:
    frames = [*pieces(noise(20), RATE)]
    later = Audio(samples=noise(10), rate=RATE, pts=100 * WINDOW)
    result = play(
        {
            "mic": source(Audio, [*frames, (3.2, later)], rate=RATE, dtype="f32"),
            "vad": "vad.silero",
            "speech": sink(Speech),
        },
        ["mic.out -> vad.audio", "vad.speech -> speech.in"],
        shared={KEY: Ears(Scripted([0.9] * 20))},
    )
    assert changes(result) == [(True, 0), (False, 20)]


def test_a_change_is_told_before_the_sound_it_was_heard_in() -> None:
    order: list[str] = []
    speech, sound = sink(Speech), sink(Audio)
    speech.process = lambda self, port, frame: order.append("speech")  # type: ignore[method-assign]
    sound.process = lambda self, port, frame: order.append("sound")  # type: ignore[method-assign]
    play(
        {
            "sound": sound,
            "mic": source(Audio, [(0.1, Audio(samples=noise(20)))], rate=RATE, dtype="f32"),
            "vad": "vad.silero",
            "speech": speech,
        },
        ["vad.audio -> sound.in", "mic.out -> vad.audio", "vad.speech -> speech.in"],
        shared={KEY: Ears(Scripted([0.9] * 20))},
    )
    assert order == ["speech", "sound"]


def test_a_model_that_is_not_there_is_named() -> None:
    result = hear(noise(5), model="silero-vad-17k")
    assert "silero-vad-17k" in result.errors[0]
    assert "silero-vad-16k" in result.errors[0]


@pytest.mark.models
def test_the_network_hears_a_voice_and_neither_hum_nor_noise() -> None:
    time = np.arange(4 * RATE) / RATE
    hum = sum(0.1 / n * np.sin(2 * np.pi * 50 * n * time) for n in (1, 2, 3, 5)).astype(np.float32)
    for sound in (np.zeros(4 * RATE, np.float32), hum, noise(125, -25)):
        assert changes(hear(sound)) == []
    if shutil.which("espeak-ng") is None:
        pytest.skip("no espeak-ng here")
    import soxr

    from tests.bench._speech import say

    voice = soxr.resample(say("Where did you put my yellow umbrella yesterday?"), 48_000, RATE)
    loud = np.flatnonzero(np.abs(voice) > 0.02)
    background = noise(125, -60)
    background[RATE : RATE + len(voice)] += voice
    (on, began), (off, ended) = changes(hear(background))
    assert (on, off) == (True, False)
    assert began * WINDOW / RATE == pytest.approx(1 + loud[0] / RATE, abs=0.1)
    assert ended * WINDOW / RATE == pytest.approx(1 + loud[-1] / RATE, abs=0.15)

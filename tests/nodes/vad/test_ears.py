"""Many sessions, one network: together they hear what each hears alone, soon, and the same every time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.graphs import Result, pieces, play, sink, source
from vaidol.graph.clock import Clock, run_virtual
from vaidol.graph.frames import Audio, Speech
from vaidol.nodes.vad._ears import MANY, WAIT_S, Ears, Stream, Verdict

RATE, WINDOW = 16_000, 512
F32 = NDArray[np.float32]
Told = list[tuple[int, float, float]]  # stream, when s, probability


class Recurrent:
    """A small network with a memory: a probability depends on all windows of its stream, and on those of no other."""

    def __init__(self, broken: Callable[[int], bool] = lambda _: False) -> None:
        self.sizes: list[int] = []
        self.broken = broken

    def state(self) -> list[float]:
        return [0.0]

    def probabilities(self, windows: F32, states: Sequence[list[float]]) -> F32:
        self.sizes.append(len(states))
        if self.broken(len(self.sizes)):
            raise ValueError("a network that fails")
        for window, state in zip(windows, states, strict=True):
            state[0] = (0.5 * state[0] + float(window[0])) % 1.0
        return np.array([state[0] for state in states], np.float32)


def window(value: float) -> F32:
    return np.full(WINDOW, value, np.float32)


def hear(network: Any, streams: int, script: list[tuple[float, int, list[float]]], idle: int = 0) -> tuple[Told, Ears]:
    """Each (gap in s since the one before, stream, windows) of `script` is heard; `idle` more streams hear nothing."""
    told: Told = []

    async def main() -> Ears:
        clock, ears = Clock(asyncio.get_running_loop()), Ears(network)

        def listening(number: int) -> Callable[[Verdict], None]:
            return lambda verdict: told.append((number, clock.s(), verdict()))

        joined = [Stream(ears, clock, listening(number), lambda call: call) for number in range(streams + idle)]
        for gap_s, number, values in script:
            await clock.sleep(gap_s)
            joined[number].hear([window(value) for value in values])
        await clock.sleep(2 * WAIT_S)
        for stream in joined:
            stream.close()
        assert ears.streams == 0
        return ears

    return told, run_virtual(main())


def alone(script: list[tuple[float, int, list[float]]], stream: int) -> list[float]:
    told, _ = hear(Recurrent(), 1, [(0.0, 0, values) for _, number, values in script if number == stream])
    return [probability for _, _, probability in told]


scripts = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.001, 0.003, WAIT_S, 0.02]),
        st.integers(0, 39),
        st.lists(st.integers(0, 63).map(lambda n: n / 64), min_size=0, max_size=4),
    ),
    max_size=120,
)


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_each_of_forty_streams_hears_what_it_hears_alone(script: list[tuple[float, int, list[float]]]) -> None:
    told, ears = hear(Recurrent(), 40, script)
    for number in {number for _, number, _ in script}:
        assert [p for stream, _, p in told if stream == number] == alone(script, number)
    assert ears.windows == sum(len(values) for *_, values in script)


@given(scripts)
@settings(max_examples=30, deadline=None)
def test_nobody_waits_longer_than_is_said_and_twice_is_the_same(script: list[tuple[float, int, list[float]]]) -> None:
    network = Recurrent()
    told, _ = hear(network, 40, script)
    now, came = 0.0, dict[int, list[float]]()
    for gap_s, number, values in script:
        now += gap_s
        came.setdefault(number, []).extend([now] * len(values))
    for number, moments in came.items():
        heard = [at for stream, at, _ in told if stream == number]
        assert all(0 <= at - since <= WAIT_S + 1e-9 for at, since in zip(heard, moments, strict=True))
    assert (told, network.sizes) == (hear(again := Recurrent(), 40, script)[0], again.sizes)


@pytest.mark.parametrize("streams", [1, 2, MANY - 1])
def test_a_few_never_wait(streams: int) -> None:
    script = [(0.0005, n % streams, [0.3, 0.4]) for n in range(20)]
    told, ears = hear(Recurrent(), streams, script)
    assert [at for _, at, _ in told] == pytest.approx([0.0005 * (n + 1) for n in range(20) for _ in range(2)])
    assert ears.calls == ears.windows == 40


def test_many_that_come_together_are_one_call() -> None:
    network = Recurrent()
    told, _ = hear(network, 80, [(0.0001, n, [0.1]) for n in range(32)])
    assert network.sizes == [32]
    assert [stream for stream, _, _ in told] == list(range(32))
    network = Recurrent()
    hear(network, 80, [(0.0, n, [0.1, 0.2]) for n in range(40)])
    assert network.sizes == [32, 32, 8, 8]


def test_one_that_leaves_is_not_judged_and_harms_nobody() -> None:
    told: list[int] = []

    async def main() -> None:
        clock, ears = Clock(asyncio.get_running_loop()), Ears(Recurrent())
        joined: list[Stream] = []

        def listening(number: int) -> Callable[[Verdict], None]:
            def judged(verdict: Verdict) -> None:
                verdict()
                told.append(number)
                joined[2].close()  # in the middle of the batch: what is known of it already is told, no more

            return judged

        joined += [Stream(ears, clock, listening(number), lambda call: call) for number in range(MANY + 1)]
        for stream in joined:
            stream.hear([window(0.1), window(0.2)])
        joined[1].close()
        await clock.sleep(2 * WAIT_S)

    run_virtual(main())
    assert told.count(1) == 0
    assert told.count(2) <= 1
    assert all(told.count(number) == 2 for number in range(MANY + 1) if number not in (1, 2))


def many_sessions(network: Any, count: int, sounds: list[F32]) -> Result:
    """`count` vad.silero nodes that share `network`, each with a sound of its own; sinks speech0, sound0 ..."""
    nodes: dict[str, Any] = {}
    wires = []
    for n in range(count):
        came = [(when + n * 0.0007, frame) for when, frame in pieces(sounds[n % len(sounds)], RATE)]
        nodes |= {
            f"mic{n}": source(Audio, came, rate=RATE, dtype="f32"), f"vad{n}": "vad.silero",
            f"speech{n}": sink(Speech), f"sound{n}": sink(Audio),
        }  # fmt: skip
        wires += [f"mic{n}.out -> vad{n}.audio", f"vad{n}.speech -> speech{n}.in", f"vad{n}.audio -> sound{n}.in"]
    return play(nodes, wires, shared={"silero silero-vad-16k": Ears(network)})


def test_the_sound_of_many_passes_whole_in_order_and_a_little_later() -> None:
    sound = np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    result = many_sessions(Recurrent(), MANY + 4, [sound])
    for n in range(MANY + 4):
        heard = result.at(f"sound{n}")
        assert np.array_equal(np.concatenate([frame.samples for _, frame in heard]), sound)
        delays = [at - n * 0.0007 - 0.02 * number for number, (at, _) in enumerate(heard)]
        assert max(delays) - min(delays) <= WAIT_S + 1e-6


def test_a_call_that_fails_is_one_session_s_trouble_and_the_sound_of_all_goes_on() -> None:
    sound = np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    result = many_sessions(Recurrent(broken=lambda call: call == 3), MANY, [sound])
    assert [event.node for event in result.named("error")] == ["vad0"]
    for n in range(MANY):
        passed = sum(len(frame.samples) for frame in result.frames(f"sound{n}"))
        assert passed == len(sound) if n else passed >= 0.5 * len(sound)


@pytest.fixture
def voices() -> list[F32]:
    soxr = pytest.importorskip("soxr")
    from tests.bench._speech import say

    texts = (
        "Where did you put my umbrella?",
        "No.",
        "Let me think. Well, it rains.",
        "Stop it please!",
        "Hello there!",
    )
    sounds = []
    for n, text in enumerate(texts):
        voice = soxr.resample(say(text), 48_000, RATE)
        around = np.zeros(RATE // 2 + 100 * n, np.float32)
        sounds.append(np.concatenate((around, voice, around, around)).astype(np.float32))
    return sounds


@pytest.mark.models
def test_the_real_network_tells_many_what_it_tells_each(voices: list[F32]) -> None:
    from vaidol.models.silero import Silero
    from vaidol.nodes._models import model_path

    silero = Silero(model_path("silero-vad-16k"))
    together = many_sessions(silero, 2 * MANY, voices)
    for n in range(2 * MANY):
        apart = many_sessions(silero, 1, [voices[n % len(voices)]])
        told = [(frame.active, frame.pts) for frame in apart.frames("speech0")]
        assert told
        assert [(frame.active, frame.pts) for frame in together.frames(f"speech{n}")] == told

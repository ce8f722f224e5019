"""adapt.resample: nothing lost, nothing shared between streams, and hardly any delay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs import feed, joined, pieces, play, sink, source
from vaidol.graph.errors import PipelineError
from vaidol.graph.frames import Audio, Sentence
from vaidol.graph.generations import TurnCut
from vaidol.nodes.adapt.resample import Resample, ResampleSettings

RATES = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000]


def resample(frames: list[Audio], rate: int) -> list[Audio]:
    return feed(Resample, ResampleSettings(rate=rate), frames)


def tone(hz: float, rate: int, seconds: float) -> np.ndarray[Any, Any]:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def frames_of(samples: np.ndarray[Any, Any], rate: int, **stamps: Any) -> list[Audio]:
    return [frame for _, frame in pieces(samples, rate, **stamps)]


def test_sound_that_fits_passes_untouched() -> None:
    frames = frames_of(tone(440, 16_000, 0.1), 16_000)
    assert all(out is frame for out, frame in zip(resample(frames, 16_000), frames, strict=True))


@pytest.mark.parametrize("to", RATES)
@pytest.mark.parametrize("rate", RATES)
def test_a_tone_stays_the_tone_in_its_place(rate: int, to: int) -> None:
    frames = frames_of(tone(1_000, rate, 0.5), rate)
    frames[-1] = replace(frames[-1], final=True)
    out = resample(frames, to)
    heard, wanted = joined(out), tone(1_000, to, 0.5)
    assert abs(len(heard) - len(wanted)) <= 1
    middle = slice(to // 50, len(wanted) - to // 50)
    assert np.max(np.abs(heard[middle] - wanted[middle])) < 0.005
    assert [frame.pts for frame in out] == list(np.cumsum([0, *[len(frame.samples) for frame in out]])[:-1])


def test_what_is_too_high_for_the_new_rate_is_filtered_out() -> None:
    heard = joined(resample(frames_of(tone(10_500, 48_000, 0.5), 48_000), 16_000))
    assert np.max(np.abs(heard[200:])) < 0.5 * 10 ** (-60 / 20)


def test_it_stays_less_than_2_ms_behind() -> None:
    fed = made = 0
    for frame in frames_of(tone(440, 48_000, 0.3), 48_000):
        fed += len(frame.samples)
        made = len(joined(resample(frames_of(tone(440, 48_000, 0.3)[:fed], 48_000), 16_000)))
        assert fed / 48_000 - made / 16_000 < 0.002


streams = st.lists(
    st.tuples(
        st.integers(0, 3),  # generation
        st.integers(0, 2),  # sentence
        st.sampled_from(RATES),
        st.booleans(),  # int16
        st.sampled_from(["", "sentence_end", "final"]),
        st.lists(st.integers(0, 1_500), min_size=1, max_size=4),  # frame lengths
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(streams, st.sampled_from(RATES), st.integers(0, 2**32 - 1))
def test_every_stream_comes_out_whole_and_as_if_it_were_alone(script: list[Any], to: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    sentences = [Sentence(text=str(number)) for number in range(3)]
    groups: list[list[Audio]] = []
    for gen, sentence, rate, whole, end, lengths in script:
        dtype, of, last = (np.int16 if whole else np.float32), sentences[sentence], len(lengths) - 1
        group = [
            Audio(
                samples=(random.uniform(-0.9, 0.9, length) * (32767 if whole else 1)).astype(dtype),
                rate=rate, gen=gen, of=of, trace=gen, **({end: True} if end and at == last else {}),
            )
            for at, length in enumerate(lengths)
        ]  # fmt: skip
        if groups and _go_on(groups[-1][-1], group[0]):
            groups[-1] += group
        else:
            groups.append(group)
    stop = Audio(gen=99, rate=to, final=True)  # makes the last stream come out too
    together = resample([frame for group in groups for frame in group] + [stop], to)[:-1]
    alone = [resample([*group, stop], to)[:-1] for group in groups]
    for group, out in zip(groups, alone, strict=True):
        due = sum(len(frame.samples) for frame in group) * to / group[0].rate
        assert abs(len(joined(out)) - due) <= 1
        assert all(frame.rate == to and frame.gen == group[0].gen and frame.of is group[0].of for frame in out)
        assert all(frame.samples.dtype == group[0].samples.dtype for frame in out)
        ends = [(frame.final, frame.sentence_end) for frame in out]
        assert not any(final or end for final, end in ends[:-1])
        if group[-1].final or group[-1].sentence_end:
            assert ends[-1] == (group[-1].final, group[-1].sentence_end)
    expected = [frame for out in alone for frame in out]
    assert len(together) == len(expected)
    for one, other in zip(together, expected, strict=True):
        assert np.array_equal(one.samples, other.samples)
        assert replace(one, samples=other.samples) == other


def _go_on(one: Audio, other: Audio) -> bool:
    alike = all(getattr(one, key) == getattr(other, key) for key in ("gen", "of", "rate"))
    return alike and one.samples.dtype == other.samples.dtype and not (one.final or one.sentence_end)


def test_an_empty_last_frame_still_ends_the_reply() -> None:
    out = resample([Audio(rate=24_000, gen=3, final=True)], 48_000)
    assert [(frame.final, len(frame.samples), frame.rate, frame.gen) for frame in out] == [(True, 0, 48_000, 3)]


def test_a_cut_forgets_the_reply_and_only_that() -> None:
    node_out: list[Audio] = []
    node = Resample(ResampleSettings(rate=48_000), None)  # type: ignore[arg-type]
    node.emit = lambda _, frame: node_out.append(frame)  # type: ignore[assignment,arg-type,return-value]
    node.process("audio", Audio(samples=np.ones(1_000, np.float32), rate=24_000, gen=1))
    node.cut(TurnCut(gen=2, trace=2, reason="", heard_text="", heard_ms=0, at=0))
    made = len(joined(node_out))
    node.cut(TurnCut(gen=1, trace=1, reason="", heard_text="", heard_ms=0, at=0))
    node.process("audio", Audio(samples=np.zeros(1_000, np.float32), rate=24_000, gen=2, final=True))
    assert not np.any(joined(node_out)[made:])


def test_a_hole_in_the_sound_stays_a_hole_in_the_numbers() -> None:
    first, second = np.ones(4_800, np.float32), np.zeros(4_800, np.float32)
    frames = [Audio(samples=first, rate=48_000), Audio(samples=second, rate=48_000, pts=48_000)]
    out = resample(frames, 16_000)
    assert sum(len(frame.samples) for frame in out if frame.pts < 16_000) == 1_600
    later = [frame for frame in out if frame.pts >= 16_000]
    assert later[0].pts == 16_000
    assert not np.any(joined(later))


def test_the_compiler_puts_it_between_two_rates() -> None:
    script = pieces(tone(440, 48_000, 0.5), 48_000)
    result = play(
        {"mic": source(Audio, script, rate=48_000, dtype="f32"), "ear": sink(Audio, rate=16_000, dtype="f32")},
        ["mic.out -> ear.in"],
    )
    assert {frame.rate for frame in result.frames("ear")} == {16_000}
    assert len(joined(result.frames("ear"))) == pytest.approx(8_000, abs=20)


def test_an_absurd_rate_is_refused() -> None:
    with pytest.raises(PipelineError, match="rate"):
        play({"to": ("adapt.resample", {"rate": 10}), "ear": sink(Audio)}, ["to.audio -> ear.in"])

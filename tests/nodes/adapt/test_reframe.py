"""adapt.reframe: one length, every sample in its order, ends in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs import feed, joined
from vaidol.graph.frames import Audio, Sentence
from vaidol.nodes.adapt.reframe import Reframe, ReframeSettings


def reframe(frames: list[Audio], frame_ms: int = 20) -> list[Audio]:
    return feed(Reframe, ReframeSettings(frame_ms=frame_ms), frames)


def count_up(lengths: list[int], start: int = 1, **stamps: Any) -> list[Audio]:
    ends = np.cumsum(lengths) + start
    return [
        Audio(samples=np.arange(end - length, end, dtype=np.float32), pts=int(end - length - start), **stamps)
        for length, end in zip(lengths, ends, strict=True)
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=12), st.sampled_from(["final", "sentence_end"]))
def test_every_sample_leaves_once_in_frames_of_one_length(lengths: list[int], end: str) -> None:
    frames = count_up(lengths, gen=2)
    frames[-1] = replace(frames[-1], **{end: True})
    out = reframe(frames)
    total = sum(lengths)
    assert [len(frame.samples) for frame in out] == ([320] * -(-total // 320) or [0])
    heard = joined(out)
    assert np.array_equal(heard[:total], np.arange(1, total + 1))
    assert not np.any(heard[total:])
    assert [getattr(frame, end) for frame in out] == [False] * (len(out) - 1) + [True]
    assert [frame.pts for frame in out] == [at * 320 for at in range(len(out))]


def test_sentences_and_generations_share_no_frame() -> None:
    one, two = Sentence(text="one"), Sentence(text="two")
    frames = [*count_up([500], gen=1, of=one), *count_up([100], 10_000, gen=1, of=two), *count_up([50], 20_000, gen=2)]
    out = reframe(frames)
    assert [(frame.gen, frame.of) for frame in out] == [(1, one), (1, one), (1, two)]
    assert np.max(out[1].samples) == 500
    assert out[2].samples[0] == 10_000
    assert not np.any(out[2].samples[100:])


def test_the_live_microphone_is_never_filled_up() -> None:
    out = reframe(count_up([441] * 10), frame_ms=10)
    assert np.array_equal(joined(out), np.arange(1, 4_410 // 160 * 160 + 1))

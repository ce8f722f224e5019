"""voice.rvc that is too slow: the sound goes on as it came or shifted, whole, without a click, counted and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.graphs import Result, idle, joined, play, sink, source
from tests.nodes.voice.test_rvc import HUM, ONE, RATE, TWO, files, script
from vaidol.graph.errors import PipelineError
from vaidol.graph.frames import Audio
from vaidol.graph.scheduler import Graph
from vaidol.models.f0.periods import Periods
from vaidol.models.rvc import stream
from vaidol.nodes.voice._rvc_voice import AHEAD_MS

__all__ = ["files"]
Costs = Callable[[float], float]  # s since the start -> s per call


def slow(
    files: dict[str, Any], given: list[tuple[float, Audio]], costs: Costs, replies: bool = True, **settings: Any
) -> Result:
    """The sentences through a voice whose calls take `costs(time)`."""
    nodes = {
        "a": source(Audio, given, rate=RATE, dtype="f32", replies=replies),
        "v": ("voice.rvc", {**files, **settings}),
        "b": sink(Audio),
    }

    async def do(graph: Graph) -> None:
        class Now(dict[str, float]):
            def get(self, name: str, default: Any = None) -> Any:
                return costs(graph.clock.s()) if name == "v" else default

        graph.engine.costs_s = Now(v=0.0)
        await idle(graph)

    return play(nodes, ["a.out -> v.audio", "v.audio -> b.in"], do=do)


def counts(result: Result) -> dict[str, int]:
    (node,) = (node for node in result.graph.snapshot()["nodes"] if node["name"] == "v")
    return node["counts"]


def test_the_node_knows_how_far_the_stream_looks_ahead() -> None:
    assert AHEAD_MS == stream.AHEAD * 10


def test_a_voice_in_time_is_never_replaced(files: dict[str, str]) -> None:
    result = slow(files, script(ONE, TWO), lambda now: 0.3)
    assert (result.errors, counts(result)) == ([], {})


def test_a_sentence_that_cannot_begin_in_time_is_heard_as_it_came(files: dict[str, str]) -> None:
    result = slow(files, script(ONE, TWO), lambda now: 4.0 if now < 1.9 else 0.1, late_ms=800)
    first, second = (joined([f for f in result.frames("b") if f.of is one]) for one in (ONE, TWO))
    assert len(first) == len(second) == 48_000
    heard = first[2_000:-2_000:3][: len(HUM) - 2_000]
    assert np.corrcoef(heard, HUM[667 : 667 + len(heard)])[0, 1] > 0.99
    assert not np.array_equal(first, second)
    assert [frame.sentence_end for frame in result.frames("b") if frame.of is ONE].count(True) == 1
    (told,) = result.errors
    assert "too slow for the voice" in told
    assert counts(result) == {"late": 1}
    assert result.at("b")[0][0] == pytest.approx(0.41 + 0.8, abs=0.06)  # as soon as patience ends


def test_late_within_a_sentence_the_rest_goes_on_without_a_click(files: dict[str, str]) -> None:
    quiet = [(when, Audio(samples=f.samples * 0.2, rate=f.rate, pts=f.pts, of=f.of, sentence_end=f.sentence_end))
             for when, f in script(ONE)]  # fmt: skip
    result = slow(files, quiet, lambda now: 9.0 if now > 0.5 else 0.0)
    frames = result.frames("b")
    whole = joined(frames)
    assert len(whole) == 48_000
    assert counts(result) == {"late": 1}
    joint = len(frames[0].samples)
    inside = max(float(np.abs(np.diff(part)).max()) for part in (whole[1_000 : joint - 10], whole[joint + 300 : -300]))
    assert float(np.abs(np.diff(whole[joint - 10 : joint + 50])).max()) <= 1.5 * inside


def test_while_late_the_sound_may_be_moved_like_the_voice(files: dict[str, str]) -> None:
    result = slow(files, script(ONE), lambda now: 9.0, while_late="shift", pitch=7.0)
    out = joined(result.frames("b"))
    assert len(out) == 48_000
    found = Periods()(out[::3][1_600:-1_600])
    assert float(np.median(found[found > 0])) == pytest.approx(150 * 2 ** (7 / 12), rel=0.03)
    assert "shifted sound goes on" in result.errors[0]


def test_auto_pitch_brings_the_speaker_to_the_voice_and_needs_to_know_where_that_is(files: dict[str, str]) -> None:
    plain = joined(slow(files, script(ONE), lambda now: 0.0, pitch=9.0).frames("b"))
    auto = joined(slow(files, script(ONE), lambda now: 0.0, pitch="auto", target_hz=255.0).frames("b"))  # 150 -> 252
    assert np.array_equal(plain, auto)
    with pytest.raises(PipelineError, match="nothing says how high"):
        slow(files, script(ONE), lambda now: 0.0, pitch="auto")


def test_a_live_voice_too_slow_passes_and_is_tried_again(files: dict[str, str]) -> None:
    long = np.tile(HUM, 8)
    given = [
        ((at + 320) / RATE, Audio(samples=long[at : at + 320], rate=RATE, pts=at)) for at in range(0, len(long), 320)
    ]
    result = slow(files, given, lambda now: 6.0 if now < 1.0 else 0.1, late_ms=500, replies=False)
    frames = result.at("b")
    assert len(result.errors) == 1
    dry = counts(result)["late"]
    assert 150 < dry < 300  # from about 1.2 s until the voice answers again, after 6 s
    assert sum(len(frame.samples) for _, frame in frames) > 4 * 48_000
    late = [when for when, frame in frames if when > 7]
    assert late

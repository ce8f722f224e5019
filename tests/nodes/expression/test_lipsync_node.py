"""expression.lipsync at the seam of the node: batches, samples, the closing mouth, cuts."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.graphs import Script, idle, pieces, play, running, sink, source
from tests.nodes.agent.talk import EDGES, HEARD, NODES
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import F32, Audio, Mouth

RATE, STEP = 48_000, 960


def tone(seconds: float, level: float = 0.3) -> F32:
    """A vowel-like sound."""
    at = np.arange(int(seconds * RATE)) / RATE
    return (level * (np.sin(2 * np.pi * 150 * at) + 0.5 * np.sin(2 * np.pi * 700 * at)) / 1.5).astype(np.float32)


def move(script: Script, **settings: Any) -> list[Mouth]:
    """What is sent; without repeats, unless the settings say so."""
    settings = {"repeat_ms": 0, **settings}
    played = source(Audio, script, rate=RATE, dtype="f32")
    nodes = {"out": played, "lips": ("expression.lipsync", settings), "end": sink(Mouth)}
    return play(nodes, ["out.out -> lips.audio", "lips.mouth -> end.in"]).frames("end")


def closed(pts: int) -> Audio:
    return Audio(rate=RATE, pts=pts, final=True)


def test_every_20_ms_have_a_value_and_the_end_closes_the_mouth() -> None:
    sound = tone(0.2)
    mouths = move([*pieces(sound, RATE), (0.22, closed(RATE // 5))])
    assert [(mouth.pts, len(mouth.open)) for mouth in mouths] == [(n * 2 * STEP, 2) for n in range(5)] + [
        (RATE // 5, 8)
    ]
    assert all(mouth.step == STEP and len(mouth.form) == len(mouth.open) for mouth in mouths)
    assert all(value > 0.3 for mouth in mouths[1:-1] for value in mouth.open)
    assert mouths[-1].open == (0.0,) * 8
    assert mouths[-1].gen == 0


@pytest.mark.parametrize(("batch_ms", "sizes"), [(20, [1] * 5), (60, [3, 2]), (500, [5])])
def test_batches_have_the_length_asked_for_and_the_end_flushes_them(batch_ms: int, sizes: list[int]) -> None:
    mouths = move([*pieces(tone(0.1), RATE), (0.12, closed(RATE // 10))], batch_ms=batch_ms)
    assert [len(mouth.open) for mouth in mouths] == [*sizes, 8]


def test_each_batch_repeats_the_values_before_it() -> None:
    script = [*pieces(tone(0.2), RATE), (0.22, closed(RATE // 5))]
    once, again = move(script), move(script, repeat_ms=80)
    assert [(mouth.pts // STEP, len(mouth.open)) for mouth in again] == [
        (0, 2),
        (0, 4),
        (0, 6),
        (2, 6),
        (4, 6),
        (10, 8),
    ]
    told = {n: value for mouth in once[:-1] for n, value in enumerate(mouth.open, mouth.pts // STEP)}
    for mouth in again[:-1]:
        assert list(mouth.open) == [told[n] for n in range(mouth.pts // STEP, mouth.pts // STEP + len(mouth.open))]
    later = [(when + 1, Audio(samples=f.samples, rate=RATE, pts=f.pts + RATE)) for when, f in pieces(tone(0.06), RATE)]
    after_gap = move([*pieces(tone(0.1), RATE), *later], repeat_ms=80)
    assert RATE in {mouth.pts for mouth in after_gap}  # nothing of before the gap


def test_after_a_gap_the_values_keep_their_samples() -> None:
    first, second = pieces(tone(0.06), RATE), pieces(tone(0.06), RATE, start=1)
    later = [(when, Audio(samples=frame.samples, rate=RATE, pts=frame.pts + RATE)) for when, frame in second]
    mouths = move([*first, *later, (2.0, closed(RATE + 3 * STEP))])
    assert [(mouth.pts, len(mouth.open)) for mouth in mouths] == [
        (0, 2), (2 * STEP, 1), (RATE, 2), (RATE + 2 * STEP, 1), (RATE + 3 * STEP, 8),
    ]  # fmt: skip


def test_silence_is_a_closed_mouth_and_loud_is_more_than_quiet() -> None:
    def widest(level: float) -> float:
        return max(value for mouth in move(pieces(tone(0.2, level), RATE)) for value in mouth.open)

    assert widest(0.0) == 0
    assert 0.1 < widest(0.02) < widest(0.1) < widest(0.5) <= 1


def test_in_a_call_the_mouth_moves_with_the_words_and_closes_when_they_are_cut() -> None:
    async def main() -> tuple[list[Mouth], int]:
        nodes = {**NODES, "lips": "expression.lipsync", "end": sink(Mouth)}
        edges = [*EDGES, HEARD, "out.coming -> lips.audio", "lips.mouth -> end.in"]
        cuts = []
        async with running(nodes, edges, ends={"call": CallDouble()}) as graph:
            graph.fence.on_cut(cuts.append)
            graph.node("user").say("hello")
            await asyncio.sleep(1.51)
            graph.fence.cut("barge-in")
            await idle(graph)
            await asyncio.sleep(1)
            return [mouth for _, mouth in graph.node("end").got], cuts[0].at

    mouths, at = run_virtual(main())
    assert sum(len(mouth.open) for mouth in mouths) > 20
    assert max(value for mouth in mouths for value in mouth.open) > 0.3
    assert mouths[-1].open == (0.0,) * 8
    assert mouths[-1].pts == at  # and for longer than anything was told ahead
    assert all(mouth.pts + len(mouth.open) * STEP <= at + 7 * STEP for mouth in mouths[:-1])
    assert all(sum(v) <= o + 0.03 for m in mouths for o, v in zip(m.open, m.vowels, strict=True))

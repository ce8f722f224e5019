"""The listener's end: what may be heard is heard once and in order, and the cursor knows how much of it."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaidol.graph.clock import Clock, run_virtual
from vaidol.graph.events import EventLog
from vaidol.graph.frames import Audio, Sentence
from vaidol.graph.generations import Fence, TurnCut
from vaidol.graph.pacer import RATE, STEP, Pacer, Packet, to_int16

WORDS = "one two three four five six seven eight nine ten"


def made() -> tuple[Fence, Pacer, list[TurnCut]]:
    """A pacer with its fence, and the list of the cuts to come."""
    loop = asyncio.new_event_loop()
    fence, cuts = Fence(EventLog(Clock(loop))), list[TurnCut]()
    loop.close()
    pacer = Pacer(fence)
    fence.on_cut(cuts.append)
    return fence, pacer, cuts


def sound(value: float, ms: float, gen: int, **more: Any) -> Audio:
    """`ms` of one value, by which it is known again."""
    return Audio(samples=np.full(int(ms * 48), value, np.float32), rate=RATE, gen=gen, **more)


def pull(pacer: Pacer, packets: int) -> list[Packet]:
    return [pacer.pull() for _ in range(packets)]


def played(packets: list[Packet]) -> np.ndarray[Any, Any]:
    return np.concatenate([packet.samples for packet in packets])


def test_sound_leaves_in_packets_of_20_ms_with_a_cursor_that_never_stops() -> None:
    fence, pacer, _ = made()
    gen = fence.begin(1)
    pacer.push(sound(0.5, 50, gen, final=True))
    packets = pull(pacer, 5)
    assert [packet.pts for packet in packets] == [0, STEP, 2 * STEP, 3 * STEP, 4 * STEP]
    assert [packet.gen for packet in packets] == [gen, gen, gen, 0, 0]
    samples = played(packets)
    assert (samples[: 50 * 48] == 0.5).all()
    assert (samples[50 * 48 + 144 :] == 0).all(), "3 ms to silence, so that it does not click"
    assert [(mark.kind, mark.pts, mark.gen) for packet in packets for mark in packet.marks] == [
        ("reply_end", 2400, gen)
    ]
    assert pacer.pull(skipped=3).pts == 8 * STEP


def test_sound_of_a_dead_reply_never_enters_and_never_leaves() -> None:
    fence, pacer, cuts = made()
    first = fence.begin(1)
    pacer.push(sound(0.5, 200, first))
    pull(pacer, 2)
    second = fence.begin(2)  # supersedes the first one
    pacer.push(sound(0.9, 20, first))
    pacer.push(sound(0.25, 20, second))
    assert pacer.depth_ms == 20
    packet = pacer.pull()
    assert packet.gen == second
    assert packet.samples[-1] == 0.25
    assert [(cut.gen, cut.heard_ms, cut.at) for cut in cuts] == [(first, 0.0, 2 * STEP)], "without sentences, no text"


@pytest.mark.parametrize("committed", [True, False])
def test_a_speculative_reply_waits_at_the_gate(committed: bool) -> None:
    fence, pacer, _ = made()
    gen = fence.begin(1, speculative=True)
    pacer.push(sound(0.5, 40, gen, final=True))
    assert {packet.gen for packet in pull(pacer, 10)} == {0}
    if committed:
        fence.commit(gen)
    else:
        fence.abandon(gen)
    packets = pull(pacer, 3)
    assert [packet.gen for packet in packets] == ([gen, gen, 0] if committed else [0, 0, 0])
    assert bool(played(packets).any()) == committed


def test_a_hold_fades_out_within_a_packet_and_a_resume_loses_no_sample() -> None:
    fence, pacer, _ = made()
    gen = fence.begin(1)
    ramp = np.linspace(0.1, 0.9, 10 * STEP, dtype=np.float32)
    pacer.push(Audio(samples=ramp, rate=RATE, gen=gen, final=True))
    before = pull(pacer, 2)
    fence.hold()
    held = pull(pacer, 10)
    fence.resume()
    after = pull(pacer, 7)
    assert np.abs(np.diff(played([*before, *held, *after]))).max() < 0.05, "no click anywhere"
    assert not played(held[1:]).any()
    assert [packet.gen for packet in held[1:]] == [0] * 9
    assert np.allclose(played(after[1:]), ramp[4 * STEP :])
    assert fence.held is False


def test_a_cut_during_a_hold_lets_the_next_reply_be_heard() -> None:
    fence, pacer, _ = made()
    pacer.push(sound(0.5, 100, fence.begin(1)))
    pacer.pull()
    fence.hold()
    pull(pacer, 3)
    gen = fence.begin(2)
    assert fence.held is False
    pacer.push(sound(0.25, 20, gen))
    assert pacer.pull().samples[-1] == 0.25


def test_a_hold_that_falls_into_the_last_packet_of_a_reply_does_not_silence_the_next_one() -> None:
    fence, pacer, _ = made()
    gen = fence.begin(1)
    pacer.push(sound(0.5, 20, gen, final=True))
    fence.hold()
    pacer.pull()
    fence.played_out(gen)
    assert fence.held is False
    pull(pacer, 2)
    pacer.push(sound(0.25, 20, fence.begin(2)))
    assert pacer.pull().samples[-1] == 0.25


def test_the_pacer_asks_for_more_before_it_runs_dry_and_not_without_end() -> None:
    async def main() -> None:
        fence, pacer, _ = made()
        gen = fence.begin(1)
        for _ in range(4):
            await asyncio.wait_for(pacer.room(), 1)
            pacer.push(sound(0.5, 20, gen))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pacer.room(), 1)
        pacer.pull()
        await asyncio.wait_for(pacer.room(), 1)
        pacer.push(sound(0.5, 500, gen))
        fence.cut("test")
        await asyncio.wait_for(pacer.room(), 1)

    run_virtual(main())


def test_another_rate_is_refused_and_running_dry_is_counted() -> None:
    fence, pacer, _ = made()
    gen = fence.begin(1)
    with pytest.raises(ValueError, match="48000 Hz, not 16000"):
        pacer.push(Audio(samples=np.zeros(9, np.float32), rate=16_000, gen=gen))
    pacer.push(sound(0.5, 30, gen))
    pull(pacer, 2)
    assert pacer.underruns == 1


STEPS = st.lists(st.tuples(st.sampled_from(["begin", "speculate", "say", "say", "pull", "pull", "hold", "resume", "cut",
                                            "commit", "abandon"]), st.integers(1, 90)), max_size=60)  # fmt: skip


def listen(fence: Fence, pacer: Pacer) -> None:
    living = {turn.gen for turn in fence.turns if fence.committed[turn.gen]}
    packet = pacer.pull()
    assert packet.gen in {0, *living}
    if packet.gen:
        fence.spoke(packet.gen)  # as who pulls does
        assert np.abs(packet.samples).max() <= packet.gen / 256 + 1e-6


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_whatever_happens_only_living_committed_replies_are_heard_and_the_heard_text_is_a_prefix(steps: Any) -> None:
    fence, pacer, cuts = made()
    gen, sentences = 0, dict[int, Sentence]()
    for what, ms in steps:
        if what in ("begin", "speculate"):
            gen = fence.begin(1, speculative=what == "speculate")
            sentences[gen] = Sentence(text=WORDS, gen=gen)
        elif what == "say":  # stragglers of a dead one, too; the value tells whose it is
            pacer.push(sound(gen / 256, ms if gen else 0, gen, of=sentences.get(gen)))
        elif what == "pull":
            listen(fence, pacer)
        else:
            call = getattr(fence, what)
            call(*{"commit": (gen,), "abandon": (gen,), "cut": ("test",)}.get(what, ()))
    fence.cut("end")
    assert not fence.turns
    assert pacer.depth_ms == 0
    for cut in cuts:
        assert WORDS.startswith(cut.heard_text)
        assert cut.heard_text == "" or cut.heard_text.split()[-1] in WORDS.split()
        assert (cut.heard_ms > 0) or not cut.heard_text
        if not fence.committed[cut.gen]:
            assert cut.heard_ms == 0


def test_samples_for_the_encoder_are_clipped() -> None:
    wild = np.array([0, 0.5, 1, 2, -1, -9, np.nan, np.inf], np.float32)
    assert to_int16(wild).tolist() == [0, 16384, 32767, 32767, -32767, -32768, 0, 32767]

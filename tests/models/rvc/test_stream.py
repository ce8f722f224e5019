"""A streamed voice: as long as what was heard, the same however it is cut, and without clicks where blocks meet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models.rvc.ears import write_ears
from tests.models.rvc.voices import checkpoint
from vaidol.models.f0 import method
from vaidol.models.rvc import Conversion, Synthesizer, load_hubert, load_voice
from vaidol.models.rvc.stream import AHEAD, FRAME, RATE, Blocks, VoiceStream

T = np.arange(2 * RATE) / RATE
VOWEL = (0.2 * sum(np.sin(2 * np.pi * 140 * n * T) / n for n in range(1, 12))).astype(np.float32)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Synthesizer, Any]:
    folder = tmp_path_factory.mktemp("rvc")
    torch.save(checkpoint(2), folder / "voice.pth")
    return load_voice(folder / "voice.pth"), load_hubert(write_ears(folder / "ears"))


def stream(parts: tuple[Synthesizer, Any], blocks: Blocks | None = None, **more: Any) -> VoiceStream:
    return VoiceStream(*parts, method("periods"), blocks=blocks, **more)


def through(voice: VoiceStream, sound: Any, sizes: list[int] | None = None) -> Any:
    out, at = [], 0
    for size in sizes or [len(sound)]:
        out.append(voice.feed(sound[at : at + size]))
        at += size
    return np.concatenate([*out, voice.feed(sound[at:]), voice.flush()])


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 9_000), max_size=8), st.integers(0, 24_000))
def test_it_is_as_long_as_what_was_heard_however_that_is_cut(
    parts: tuple[Synthesizer, Any], sizes: list[int], length: int
) -> None:
    sound = VOWEL[:length]
    whole = through(stream(parts), sound)
    assert len(whole) == round(length * parts[0].config.rate / RATE)
    assert np.array_equal(through(stream(parts), sound, sizes), whole)


def test_a_block_is_spoken_when_it_and_90_ms_more_were_heard(parts: tuple[Synthesizer, Any]) -> None:
    voice = stream(parts, Blocks(first=200, block=400))
    needed = (20 + AHEAD) * FRAME
    assert len(voice.feed(VOWEL[: needed - 1])) == 0
    assert len(voice.feed(VOWEL[needed - 1 : needed])) == 20 * parts[0].config.hop
    assert AHEAD * 10 == 90


def test_blocks_grow_from_the_first_to_the_longest(parts: tuple[Synthesizer, Any]) -> None:
    voice, hop, sizes = stream(parts, Blocks(first=200, block=400)), parts[0].config.hop, []
    assert voice.wants == (20 + AHEAD) * FRAME
    while sum(sizes) // hop * FRAME + (AHEAD + 40) * FRAME < len(VOWEL):
        sizes.append(len(voice.feed(VOWEL[voice._samples : voice._samples + voice.wants])))
    assert [size // hop for size in sizes] == [20, 26, 34, *[40] * (len(sizes) - 3)]
    assert len(sizes) > 4


def test_blocks_meet_without_a_click(parts: tuple[Synthesizer, Any]) -> None:
    hop = parts[0].config.hop
    out = through(stream(parts, Blocks(first=200, block=200)), VOWEL)
    bend = np.abs(np.diff(out, 2))
    borders = np.arange(20, 180, 20) * hop
    near = np.concatenate([bend[border - 20 : border + 20] for border in borders])
    inside = np.concatenate([bend[border + 5 * hop : border + 9 * hop] for border in borders])
    assert near.max() <= 1.2 * inside.max()
    assert np.mean(near**2) <= 2 * np.mean(inside**2)


def test_a_block_of_a_whole_utterance_and_small_ones_say_the_same(parts: tuple[Synthesizer, Any]) -> None:
    """Loudness per 50 ms: random weights are not the place to compare samples."""
    one = through(stream(parts, Blocks(first=4_000, block=4_000)), VOWEL)
    many = through(stream(parts, Blocks(first=200, block=300, context=1_000)), VOWEL)
    size = parts[0].config.rate // 20
    levels = [np.sqrt(np.mean(np.square(x[: len(x) // size * size].reshape(-1, size)), axis=1)) for x in (one, many)]
    assert np.corrcoef(*levels)[0, 1] > 0.6 or np.allclose(*levels, rtol=0.3)


def test_after_a_flush_and_after_a_reset_it_is_as_new(parts: tuple[Synthesizer, Any]) -> None:
    voice = stream(parts)
    first = through(voice, VOWEL)
    assert np.array_equal(through(voice, VOWEL), first)
    voice.feed(VOWEL[:20_000])
    voice.reset()
    assert np.array_equal(through(voice, VOWEL), first)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(20_000, np.float32),
        np.full(20_000, np.nan, np.float32),
        VOWEL[:160],
        VOWEL[:1],
        np.random.default_rng(0).normal(0, 0.2, 20_000).astype(np.float32),
    ],
)
def test_any_sound_gives_a_defined_one(parts: tuple[Synthesizer, Any], sound: Any) -> None:
    out = through(stream(parts, formant=2.0), sound)
    assert len(out) == round(len(sound) * parts[0].config.rate / RATE)
    assert np.isfinite(out).all()


def test_silence_stays_silence_and_costs_no_network(parts: tuple[Synthesizer, Any]) -> None:
    assert not through(stream(parts), np.zeros(2 * RATE, np.float32)).any()


def test_what_is_asked_of_the_voice_is_done(parts: tuple[Synthesizer, Any]) -> None:
    plain = through(stream(parts), VOWEL)
    assert not np.array_equal(through(stream(parts, how=Conversion(semitones=12)), VOWEL), plain)
    assert not np.array_equal(through(stream(parts, formant=4.0), VOWEL), plain)
    assert not np.array_equal(through(stream(parts, how=Conversion(speaker=1)), VOWEL), plain)
    quiet = through(stream(parts, how=Conversion(loudness=0.0)), 0.1 * VOWEL)
    assert np.std(quiet) < np.std(through(stream(parts), 0.1 * VOWEL))


def test_a_pitched_voice_without_pitch_is_refused(parts: tuple[Synthesizer, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="f0"):
        VoiceStream(*parts, None)
    torch.save(checkpoint(3, f0=0), tmp_path / "flat.pth")
    flat = VoiceStream(load_voice(tmp_path / "flat.pth"), parts[1], None)
    assert len(through(flat, VOWEL)) == 2 * flat.rate

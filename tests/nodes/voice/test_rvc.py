"""voice.rvc in a graph: sentences leave whole in another voice, a cut forgets, a wrong file is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.graphs import Result, joined, pieces, play, sink, source
from tests.models.rvc.ears import write_ears
from tests.models.rvc.voices import checkpoint
from vaidol.graph.errors import PipelineError
from vaidol.graph.frames import Audio, Sentence

RATE = 16_000
HUM = (0.3 * np.sign(np.sin(2 * np.pi * 150 * np.arange(RATE) / RATE))).astype(np.float32)
ONE, TWO = Sentence(text="one"), Sentence(text="two")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("rvc")
    torch.save(checkpoint(2), folder / "voice.pth")
    write_ears(folder / "ears")
    return {"model": str(folder / "voice.pth"), "units": str(folder / "ears"), "f0": "periods"}


def script(*sentences: Sentence) -> list[tuple[float, Audio]]:
    made: list[tuple[float, Audio]] = []
    for number, sentence in enumerate(sentences):
        at, pts = 2.0 * number, RATE * number
        made += [
            (at + when, Audio(samples=frame.samples, rate=RATE, pts=pts + frame.pts, of=sentence))
            for when, frame in pieces(HUM, RATE, frame_ms=40)
        ]
        last = number == len(sentences) - 1
        made.append((at + 1.01, Audio(rate=RATE, pts=pts + RATE, of=sentence, sentence_end=True, final=last)))
    return made


def speak(files: dict[str, Any], given: list[tuple[float, Audio]], **settings: Any) -> Result:
    voice = source(Audio, given, rate=RATE, dtype="f32")
    nodes = {"a": voice, "v": ("voice.rvc", {**files, **settings}), "b": sink(Audio)}
    return play(nodes, ["a.out -> v.audio", "v.audio -> b.in"])


def test_sentences_leave_whole_each_a_stream_of_its_own(files: dict[str, str]) -> None:
    result = speak(files, script(ONE, TWO))
    assert result.errors == []
    frames: list[Audio] = result.frames("b")
    assert {frame.rate for frame in frames} == {48_000}
    for sentence in (ONE, TWO):
        mine = [frame for frame in frames if frame.of is sentence]
        assert sum(len(frame.samples) for frame in mine) == 48_000
        assert [frame.sentence_end for frame in mine] == [False] * (len(mine) - 1) + [True]
    first, second = (joined([frame for frame in frames if frame.of is one]) for one in (ONE, TWO))
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()
    assert first.any()
    assert frames[-1].final


def test_the_first_block_comes_long_before_the_end(files: dict[str, str]) -> None:
    result = speak(files, script(ONE), first_ms=200)
    assert result.at("b")[0][0] == pytest.approx(0.2 + 0.09, abs=0.06)


def test_a_live_voice_is_one_stream(files: dict[str, str]) -> None:
    given = [(when, Audio(samples=f.samples, rate=RATE, pts=f.pts)) for when, f in pieces(np.tile(HUM, 3), RATE)]
    frames = speak(files, given).frames("b")
    assert [frame.pts for frame in frames] == list(np.cumsum([0, *[len(f.samples) for f in frames]])[:-1])
    assert sum(len(frame.samples) for frame in frames) > 2 * 48_000


def test_a_live_voice_that_cannot_keep_up_passes_unchanged_and_says_so(files: dict[str, str]) -> None:
    given = [(when, Audio(samples=f.samples, rate=RATE, pts=f.pts, born=1)) for when, f in pieces(HUM, RATE)]
    late = [(when + 5, frame) for when, frame in given]  # born long ago
    result = speak(files, late)
    assert len(result.errors) == 1
    assert "too slow" in result.errors[0]
    assert np.abs(joined(result.frames("b"))).max() > 0.25


def test_no_model_is_a_mistake_at_check(files: dict[str, str]) -> None:
    for given, said in (
        ({}, "model"),
        ({"model": ""}, "model"),
        ({"model": "/no/such.pth"}, "/no/such.pth"),
        ({"model": files["model"], "f0": "crepe"}, "swift"),
    ):
        nodes = {"a": source(Audio, [], rate=RATE, dtype="f32"), "v": ("voice.rvc", given), "b": sink(Audio)}
        with pytest.raises(PipelineError, match=said):
            play(nodes, ["a.out -> v.audio", "v.audio -> b.in"])


@pytest.mark.parametrize("what", ["model", "units", "index"])
def test_a_file_that_is_something_else_is_told_in_one_sentence(
    files: dict[str, str], tmp_path: Path, what: str
) -> None:
    (tmp_path / "wrong.pth").write_bytes(b"this is no voice")
    result = speak(files, script(ONE), **{what: str(tmp_path / "wrong.pth")})
    (told,) = result.errors
    assert "wrong.pth" in told
    assert "\n" not in told


def test_a_v1_voice_needs_a_contentvec_with_its_projection(files: dict[str, str], tmp_path: Path) -> None:
    torch.save(checkpoint(3, "v1"), tmp_path / "old.pth")
    (told,) = speak(files, script(ONE), model=str(tmp_path / "old.pth")).errors
    assert "has no final_proj, which v1 voices" in told


def test_a_speaker_who_is_not_in_the_voice_is_told(files: dict[str, str]) -> None:
    assert "speakers 0 to 2" in speak(files, script(ONE), speaker=7).errors[0]

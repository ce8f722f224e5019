"""A recording is converted as a plain version of the same steps does it; lengths hold, and odd input has a result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.models.rvc.reference import Reference
from tests.models.rvc.test_hubert import CONFIG
from tests.models.rvc.voices import checkpoint, save
from vaidol.models.rvc import (
    Conversion,
    Hubert,
    Index,
    Synthesizer,
    coarse_pitch,
    convert,
    load_hubert,
    load_index,
    load_voice,
    offline,
)

F32 = NDArray[np.float32]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Synthesizer, Hubert, Index]:
    """A small v1 voice, whose 256 features a small HuBERT projects, and an index of such features."""
    from transformers import HubertConfig, HubertModel

    folder = tmp_path_factory.mktemp("parts")
    made = checkpoint(21, "v1", "32k")
    torch.manual_seed(22)
    network = HubertModel(HubertConfig(**CONFIG))
    network.final_proj = torch.nn.Linear(128, 256)
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    hubert = load_hubert(folder)
    vectors = hubert.units(tone(4), "v1")[0].numpy() + np.random.default_rng(2).normal(0, 0.02, (199, 256))
    index = faiss.index_factory(256, "IVF4,Flat")
    index.train(vectors.astype(np.float32))
    index.add(vectors.astype(np.float32))
    faiss.write_index(index, str(folder / "added.index"))
    return made, load_voice(save(folder / "voice.pth", made)), hubert, load_index(folder / "added.index")


def tone(seconds: float) -> F32:
    """A tone that swells and fades, so that there are quiet points."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    sound = 1.2 * np.sin(2 * np.pi * 180 * time) * np.abs(np.sin(2 * np.pi * 0.4 * time))
    return (sound + np.random.default_rng(3).normal(0, 0.01, len(time))).astype(np.float32)


def pitch_of(samples: F32) -> F32:
    """A stand-in with gaps: the pitch depends on the frame alone."""
    frame = np.arange(len(samples) // 160 + 1)
    return np.where(frame % 50 < 10, 0, 150 + 50 * np.sin(frame / 20)).astype(np.float32)


def plainly(sound: F32, parts: Any, how: Conversion, cuts: list[int]) -> NDArray[np.float64]:
    """The steps of the original one by one, zero noise."""
    made, _, hubert, index = parts
    reference, hop = Reference(made), 320
    padded = np.pad(offline.prepare(sound), 16_000, mode="reflect")
    f0 = pitch_of(padded) * 2 ** (how.semitones / 12)
    out = []
    for begin, end in zip([0, *cuts], [*cuts, None], strict=True):
        piece = padded[begin : None if end is None else end + 32_160]
        heard = hubert.units(piece, "v1")
        drawn = index.blend(heard, how.retrieval).repeat_interleave(2, 1)
        frames = min(len(piece) // 160, drawn.shape[1])
        hertz = torch.from_numpy(f0[begin // 160 :][:frames])[None]
        share = torch.where(hertz > 0, 1.0, how.protect)[..., None]
        units = drawn[:, :frames] * share + heard.repeat_interleave(2, 1)[:, :frames] * (1 - share)
        spoken = reference.infer(
            units,
            torch.from_numpy(coarse_pitch(hertz[0].numpy()))[None],
            hertz,
            how.speaker,
            z_noise=torch.zeros(1, made["config"][2], frames),
            source_noise=torch.zeros(1, frames * hop, 1),
        )[0, 0]
        out.append(spoken[100 * hop :][: len(sound) * 2 if end is None else (end - begin) * 2].numpy())
    return np.concatenate(out)[: len(sound) * 2]


def test_a_recording_is_converted_as_the_plain_steps_do(parts: Any) -> None:
    _, voice, hubert, index = parts
    how = Conversion(speaker=2, semitones=3, retrieval=0.6, protect=0.2)
    sound = tone(1.2345)
    said = convert(sound, voice, hubert, pitch_of, how, index=index, draw=torch.zeros)
    assert said.shape == (len(sound) * 2,)
    truth = plainly(sound, parts, how, [])
    truth = truth / max(1, np.abs(truth).max() / 0.99)
    np.testing.assert_allclose(said, truth, atol=1e-4)


def test_lengths_can_be_the_originals(parts: Any) -> None:
    _, voice, hubert, _ = parts
    sound = tone(1)
    kept = convert(sound, voice, hubert, pitch_of, Conversion(), draw=torch.zeros)
    short = convert(sound, voice, hubert, pitch_of, Conversion(length="original"), draw=torch.zeros)
    assert len(short) == len(kept) - 640
    np.testing.assert_allclose(short / short.max(), kept[:-640] / kept[:-640].max(), atol=1e-6)


def test_a_long_recording_is_cut_where_it_is_quiet(parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, voice, hubert, index = parts
    for name, seconds in (("PIECE", 2), ("SEARCH", 1), ("LONGEST", 2.5)):
        monkeypatch.setattr(offline, name, int(seconds * 16_000))
    sound, heard = tone(4.5), []
    cuts = offline.quiet_points(offline.prepare(sound))
    loud = np.convolve(np.abs(sound), np.ones(160), "same")
    assert len(cuts) == 2
    assert max(loud[cuts]) < 0.2 * loud.max()
    how = Conversion(retrieval=0.3, protect=0.3)
    said = convert(sound, voice, hubert, pitch_of, how, index=index, draw=torch.zeros, progress=heard.append)
    truth = plainly(sound, parts, how, [cut // 160 * 160 for cut in cuts])
    np.testing.assert_allclose(said, truth / max(1, np.abs(truth).max() / 0.99), atol=1e-4)
    assert heard[-1] == 1
    assert len(heard) == 3


@pytest.mark.parametrize(
    "sound",
    [np.zeros(0), np.ones(1), np.zeros(160), np.full(3000, np.nan), np.full(200, 30.0), np.tile([1.0, -1.0], 800)],
    ids=["nothing", "one", "10 ms", "no number", "much", "noise"],
)
def test_odd_input_has_a_result(parts: Any, sound: NDArray[np.float64]) -> None:
    _, voice, hubert, index = parts
    how = Conversion(retrieval=1, protect=0, loudness=0.5, autotune=1, unvoiced="interpolate")
    said = convert(sound.astype(np.float32), voice, hubert, pitch_of, how, index=index)
    assert said.shape == (2 * len(sound),)
    assert said.dtype == np.float32
    assert np.isfinite(said).all()
    assert np.abs(said).max(initial=0) <= 0.991


def test_a_voice_without_pitch_needs_none(parts: Any, tmp_path: Path) -> None:
    _, voice, hubert, _ = parts
    plain = load_voice(save(tmp_path / "plain.pth", checkpoint(31, "v1", "40k", f0=0)))
    assert convert(tone(0.3), plain, hubert, None, Conversion()).shape == (12_000,)
    with pytest.raises(ValueError, match="needs a pitch"):
        convert(tone(0.3), voice, hubert, None, Conversion())

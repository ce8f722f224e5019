"""Every kind of voice speaks what a second implementation speaks: versions, rates, pitch, noise, heads and formants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.rvc.reference import Reference
from tests.models.rvc.voices import UPSAMPLING, checkpoint, save
from vaidol.models.rvc import Synthesizer, cycles, load_voice

FRAMES = 40


def snr(truth: Tensor, said: Tensor) -> float:
    """Decibels by which the truth is louder than the difference."""
    assert truth.shape == said.shape
    return float(10 * torch.log10(truth.pow(2).sum() / (truth - said.double()).pow(2).sum()))


def inputs(seed: int, made: dict[str, Any], frames: int = FRAMES) -> dict[str, Any]:
    """Random frames in the form of `infer`, some unvoiced, with given noise."""
    draw = torch.Generator().manual_seed(seed)
    pitched, hop = bool(made["f0"]), {"32k": 320, "40k": 400, "48k": 480}[made["sr"]]
    f0 = 80 + 500 * torch.rand(1, frames, generator=draw)
    f0[0, 5:9] = 0
    return {
        "units": torch.randn(1, frames, 256 if made["version"] == "v1" else 768, generator=draw),
        "pitch": torch.randint(1, 256, (1, frames), generator=draw) if pitched else None,
        "f0": f0 if pitched else None,
        "speaker": 1,
        "z_noise": torch.randn(1, made["config"][2], frames, generator=draw),
        "source_noise": torch.randn(1, frames * hop, 1, generator=draw),
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Synthesizer]:
    made = checkpoint(77)
    return made, load_voice(save(tmp_path_factory.mktemp("voice") / "small.pth", made))


@pytest.mark.parametrize("f0", [0, 1])
@pytest.mark.parametrize(("version", "rate"), list(UPSAMPLING))
def test_every_layout_speaks_as_the_reference(tmp_path: Path, version: str, rate: str, f0: int) -> None:
    seed = hash_of(version, rate, f0)
    made = checkpoint(seed, version, rate, f0=f0, spelling=("old", "new")[seed % 2])
    voice = load_voice(save(tmp_path / "voice.pth", made))
    given = inputs(seed, made)
    assert snr(Reference(made).infer(**given), voice.infer(**given)) > 100
    silent = given | {"z_noise": given["z_noise"] * 0, "source_noise": given["source_noise"] * 0}
    assert snr(Reference(made).infer(**silent), voice.infer(**silent)) > 100


def hash_of(*words: object) -> int:
    return sum(map(ord, "".join(map(str, words))))


@pytest.mark.parametrize(
    ("head", "length", "formant"),
    [(0, 20, None), (10, 25, None), (30, 10, None), (28, 12, 9), (8, 20, 31), (None, None, 50)],
)
def test_heads_and_formants_speak_as_the_reference(
    small: tuple[dict[str, Any], Synthesizer], head: int | None, length: int | None, formant: int | None
) -> None:
    made, voice = small
    given = inputs(3, made)
    truth = Reference(made).infer(**given, head=head or 0, length=length, formant=formant)
    said = voice.infer(**given, skip_head=head, return_length=length, formant_length=formant)
    assert said.shape == (1, 1, (formant or length or FRAMES) * voice.config.hop)
    assert snr(truth, said) > 100


def test_an_official_voice_speaks(tmp_path: Path) -> None:
    made = checkpoint(5, official=True)
    voice = load_voice(save(tmp_path / "official.pth", made))
    given = inputs(6, made, 12)
    assert sum(weight.numel() for weight in voice.parameters()) == pytest.approx(27.49e6, rel=0.001)
    assert snr(Reference(made).infer(**given), voice.infer(**given)) > 95


def test_the_phase_goes_on_where_a_block_ended(small: tuple[dict[str, Any], Synthesizer]) -> None:
    made, voice = small
    given = inputs(8, made)
    f0, noise = given["f0"], given["source_noise"]
    source, hop = voice.dec.m_source, voice.config.hop
    whole = source(f0, noise)
    phase = cycles(f0[:, :17])
    parts = [source(f0[:, :17], noise[:, : 17 * hop]), source(f0[:, 17:], noise[:, 17 * hop :], phase)]
    torch.testing.assert_close(torch.cat(parts, 2), whole, atol=1e-6, rtol=0)


def test_noise_comes_from_the_generator(small: tuple[dict[str, Any], Synthesizer]) -> None:
    made, voice = small
    given = inputs(9, made)
    del given["z_noise"], given["source_noise"]
    said = [voice.infer(**given, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(said[0], said[1])
    assert not torch.equal(said[0], said[2])


def test_source_noise_may_be_of_the_spoken_frames_alone(small: tuple[dict[str, Any], Synthesizer]) -> None:
    made, voice = small
    given, hop = inputs(10, made), voice.config.hop
    whole = voice.infer(**given, skip_head=12, return_length=20)
    given["source_noise"] = given["source_noise"][:, 12 * hop : 32 * hop]
    assert torch.equal(voice.infer(**given, skip_head=12, return_length=20), whole)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_speaks_nearly_the_same(tmp_path: Path, dtype: torch.dtype) -> None:
    made = checkpoint(12)
    voice = load_voice(save(tmp_path / "voice.pth", made))
    given = inputs(12, made)
    truth = voice.infer(**given)
    said = voice.to(dtype).infer(**given)
    assert said.dtype == dtype
    assert snr(truth.double(), said) > (35 if dtype == torch.float16 else 15)


def test_what_is_not_finite_never_comes_out(small: tuple[dict[str, Any], Synthesizer]) -> None:
    made, voice = small
    given = inputs(13, made)
    given["units"][0, 3] = torch.nan
    given["units"][0, 30] = 1e38
    given["f0"][0, :4] = torch.tensor([torch.nan, torch.inf, -torch.inf, -5.0])
    assert bool(torch.isfinite(voice.infer(**given)).all())


@pytest.mark.parametrize("frames", [1, 2, 12])
def test_few_frames_speak_as_the_reference(small: tuple[dict[str, Any], Synthesizer], frames: int) -> None:
    made, voice = small
    given = inputs(15, made, frames)
    assert snr(Reference(made).infer(**given), voice.infer(**given)) > 100


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"units": torch.zeros(1, 40, 256)}, r"needs \(1, T, 768\)"),
        ({"f0": None}, "f0 has the shape None"),
        ({"pitch": torch.zeros(1, 39, dtype=torch.long)}, "pitch has the shape"),
        ({"speaker": 3}, "speaker 3 does not exist"),
        ({"z_noise": torch.zeros(1, 12, 39)}, "the noise has the shape"),
        ({"skip_head": 35, "return_length": 6}, "cannot be spoken"),
        ({"formant_length": 0}, "at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    small: tuple[dict[str, Any], Synthesizer], wrong: dict[str, Any], says: str
) -> None:
    made, voice = small
    with pytest.raises(ValueError, match=says):
        voice.infer(**inputs(14, made) | wrong)

"""Smaller numbers: taken when they sound the same and are quicker, refused with a reason otherwise, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.models.rvc.ears import write_ears
from tests.models.rvc.voices import checkpoint, save
from vaidol.models.errors import LoadError
from vaidol.models.rvc import Hubert, Synthesizer, load_hubert, load_voice, precision
from vaidol.models.rvc.cuda import SHAPES_MAX, Replayed
from vaidol.models.rvc.int8 import quantised
from vaidol.models.rvc.precision import Chosen, Narrow, Quantised, deviation_db, example, with_precision

FEW_CHANNELS_DB = 18.0  # int8 in a network of 2 to 16 channels; in official ones it is 28


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("precision")
    return save(folder / "voice.pth", checkpoint(5)), write_ears(folder / "ears")


@pytest.fixture(autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    kept = tmp_path_factory.getbasetemp() / "kept"
    monkeypatch.setattr("vaidol.models.rvc.int8.default_root", lambda: kept)
    return kept / "quantised"


def loaded(parts: tuple[Path, Path]) -> tuple[Synthesizer, Hubert]:
    return load_voice(parts[0]), load_hubert(parts[1])


def chosen(parts: tuple[Path, Path], wanted: str, **how: Any) -> Chosen:
    return with_precision(*loaded(parts), wanted, **how)


def test_int8_says_nearly_the_same_and_is_made_once(
    parts: tuple[Path, Path], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "QUICKER", 1e9)
    monkeypatch.setattr(precision, "LEAST_DB", FEW_CHANNELS_DB)
    voice, hubert = loaded(parts)
    inputs = example(voice, hubert)
    with torch.no_grad():
        before = voice.dec(*inputs)
    steps: list[float] = []
    made = with_precision(voice, hubert, "int8", progress=steps.append)
    assert (made.precision, made.said) == ("int8", "")
    assert isinstance(made.voice.dec, Quantised)
    assert FEW_CHANNELS_DB < deviation_db(before, made.voice.dec(*inputs)) < 60
    assert steps == sorted(steps)
    (kept,) = store.iterdir()
    when = kept.stat().st_mtime_ns
    assert chosen(parts, "int8").precision == "int8"
    assert kept.stat().st_mtime_ns == when
    kept.write_bytes(b"damaged")
    assert chosen(parts, "int8").precision == "int8"
    assert kept.stat().st_size > 10_000
    spoken = made.voice.infer(torch.randn(1, 30, 768), torch.ones(1, 30, dtype=torch.int64), torch.full((1, 30), 200.0))
    assert spoken.shape == (1, 1, 30 * 400)  # any length, whatever it was made with
    assert torch.isfinite(spoken).all()


def test_a_voice_without_pitch_can_be_quantised_too(parts: tuple[Path, Path], tmp_path: Path) -> None:
    voice = load_voice(save(tmp_path / "plain.pth", checkpoint(6, f0=0)))
    inputs = example(voice, load_hubert(parts[1]))
    assert len(inputs) == 2
    with torch.no_grad():
        out = Quantised(voice.dec, quantised(voice.dec, inputs))(*inputs)
        assert deviation_db(voice.dec(*inputs), out) > FEW_CHANNELS_DB


def test_what_sounds_different_or_is_no_quicker_stays_in_fp32_and_says_so(
    parts: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "LEAST_DB", 200.0)
    for wanted in ("int8", "bf16"):
        made = chosen(parts, wanted)
        assert made.precision == "fp32"
        assert "differs from fp32 by more than allowed" in made.said
    monkeypatch.undo()
    monkeypatch.setattr(precision, "QUICKER", 0.0)
    assert "bf16 is no quicker on this processor" in chosen(parts, "bf16").said
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("vaidol.models.rvc.int8.default_root", lambda: Path("/nowhere"))
    assert "needs the package onnx" in chosen(parts, "int8").said


def test_auto_leaves_a_small_voice_alone_and_takes_int8_for_a_slow_one(
    parts: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "QUICK_RTF", 1e9)
    assert chosen(parts, "auto").precision == "fp32"
    monkeypatch.setattr(precision, "QUICK_RTF", 0.0)
    monkeypatch.setattr(precision, "LEAST_DB", FEW_CHANNELS_DB)
    monkeypatch.setattr(precision, "QUICKER", 1e9)
    assert chosen(parts, "auto").precision == "int8"
    assert chosen(parts, "fp16").said == "fp16 is for graphics cards"


def test_bf16_keeps_the_sines_phase_in_float32(parts: tuple[Path, Path]) -> None:
    voice, hubert = loaded(parts)
    inputs = example(voice, hubert)
    narrow = Narrow(voice.dec, torch.bfloat16)
    with torch.no_grad():
        assert deviation_db(voice.dec(*inputs), narrow(*inputs)) > 24
    assert narrow.m_source is voice.dec.m_source
    assert voice.dec.conv_pre.weight.dtype == torch.float32


def test_without_a_card_there_is_none(parts: tuple[Path, Path]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a card here")
    with pytest.raises(LoadError, match="there is no device cuda:1 here"):
        chosen(parts, "auto", device="cuda:1")


def test_what_cannot_be_recorded_is_handed_through(parts: tuple[Path, Path]) -> None:
    voice, hubert = loaded(parts)
    inputs = example(voice, hubert)
    replayed = Replayed(voice.dec)
    for _ in range(3):
        assert torch.equal(replayed(*inputs), voice.dec(*inputs))
    for frames in range(1, 2 * SHAPES_MAX):
        replayed(inputs[0][:, :, :frames], inputs[1], inputs[2][:, :, : frames * 400])
    assert len(replayed._seen) == SHAPES_MAX
    assert replayed.m_source is voice.dec.m_source

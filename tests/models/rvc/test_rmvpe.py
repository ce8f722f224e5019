"""RMVPE finds what a second implementation finds, and its decoding hits the pitch that was put in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.models.rvc.listening import Reference, random_weights
from vaidol.models.errors import LoadError
from vaidol.models.rvc import load_rmvpe
from vaidol.models.rvc.rmvpe import decode

RATE = 16_000


def voice(seed: int, samples: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A gliding tone with harmonics and some noise."""
    draw = np.random.default_rng(seed)
    phase = np.cumsum(np.linspace(120, 300, samples)) / RATE
    tone = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 6))
    return (0.1 * tone + 0.01 * draw.normal(size=samples)).astype(np.float32)


@pytest.mark.parametrize(("seed", "samples"), [(1, 10_000), (2, 5120 - 160), (3, 1200)])
def test_it_hears_as_the_reference(seed: int, samples: int, tmp_path: Path) -> None:
    weights = random_weights(seed)
    torch.save(weights, tmp_path / "rmvpe.pt")
    rmvpe, sound = load_rmvpe(tmp_path / "rmvpe.pt"), voice(seed, samples)
    salience = rmvpe.salience(sound)
    assert salience.shape == (samples // 160 + 1, 360)
    truth = Reference(weights).salience(sound)
    assert truth.std() > 0.01
    np.testing.assert_allclose(salience, truth, atol=2e-5)
    np.testing.assert_allclose(rmvpe.f0(sound), decode(truth.astype(np.float32)), rtol=1e-3)


def test_a_long_sound_is_heard_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(random_weights(7), tmp_path / "rmvpe.pt")
    rmvpe, sound = load_rmvpe(tmp_path / "rmvpe.pt"), voice(7, 100_000)
    whole = rmvpe.salience(sound)
    monkeypatch.setattr("vaidol.models.rvc.rmvpe.PIECE", 256)
    monkeypatch.setattr("vaidol.models.rvc.rmvpe.MARGIN", 128)
    pieces = rmvpe.salience(sound)
    assert pieces.shape == whole.shape
    np.testing.assert_allclose(pieces, whole, atol=0.02)


def test_the_same_as_safetensors(tmp_path: Path) -> None:
    weights = random_weights(4)
    torch.save(weights, tmp_path / "rmvpe.pt")
    save_file(weights, tmp_path / "rmvpe.safetensors")
    heard = [load_rmvpe(tmp_path / name).salience(voice(4, 3000)) for name in ("rmvpe.pt", "rmvpe.safetensors")]
    np.testing.assert_array_equal(heard[0], heard[1])


def test_decoding_hits_the_pitch() -> None:
    hz = np.geomspace(40, 1900, 200)
    cents = 1200 * np.log2(hz / 10)
    bins = 20 * np.arange(360) + 1997.3794084376191
    salience = np.exp(-(((bins - cents[:, None]) / 25) ** 2) / 2).astype(np.float32)
    salience[::10] *= 0.03
    found = decode(salience)
    assert not found[::10].any()
    voiced = np.arange(200) % 10 > 0
    error = 1200 * np.log2(found[voiced] / hz[voiced])
    assert np.abs(error).max() < 1


def test_any_sound_has_a_pitch_or_none(tmp_path: Path) -> None:
    torch.save(random_weights(5), tmp_path / "rmvpe.pt")
    rmvpe = load_rmvpe(tmp_path / "rmvpe.pt")
    for sound in (np.zeros(0), np.zeros(160), np.full(5000, np.nan), np.full(3000, np.inf)):
        f0 = rmvpe.f0(sound.astype(np.float32))
        assert f0.shape == (len(sound) // 160 + 1,)
        assert np.isfinite(f0).all()


def test_another_network_is_refused(tmp_path: Path) -> None:
    weights = random_weights(6)
    path = tmp_path / "rmvpe.pt"
    torch.save({"weight": weights}, path)
    with pytest.raises(LoadError, match="holds no RMVPE"):
        load_rmvpe(path)
    torch.save(weights | {"fc.1.weight": torch.zeros(359, 12)}, path)
    with pytest.raises(LoadError, match=r"fc\.1\.weight as \[359, 12\] float32"):
        load_rmvpe(path)
    torch.save({key: value for key, value in weights.items() if key != "cnn.bias"}, path)
    with pytest.raises(LoadError, match=r"has no cnn\.bias"):
        load_rmvpe(path)

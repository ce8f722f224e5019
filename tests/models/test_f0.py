"""Every f0 method against tones and glides whose pitch is known, in noise, in silence, on clips of any length."""

from __future__ import annotations

import numpy as np
import pytest

from vaidol.models.errors import LoadError
from vaidol.models.f0 import HOP, METHODS, RATE, Method, method

LOCAL = ("swift", "periods")


@pytest.fixture(params=LOCAL)
def find(request: pytest.FixtureRequest) -> Method:
    return method(request.param)


def voice(hz: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    return (0.2 * sum(np.sin(n * phase) / n for n in range(1, 10))).astype(np.float32)


@pytest.mark.parametrize("hz", [80.0, 130.0, 220.0, 400.0])
def test_a_steady_voice_is_found(find: Method, hz: float) -> None:
    found = find(voice(np.full(RATE, hz)))
    assert found.dtype == np.float32
    assert len(found) == RATE // HOP + 1
    middle = found[10:-10]
    assert (middle > 0).mean() > 0.95
    assert np.median(np.abs(1200 * np.log2(middle[middle > 0] / hz))) < 15  # cents


def test_a_method_is_a_file() -> None:
    assert METHODS == ("periods", "rmvpe", "swift")
    with pytest.raises(ValueError, match="no f0 method 'crepe'; there are: periods, rmvpe, swift"):
        method("crepe")
    with pytest.raises(LoadError, match="vaidol models pull rmvpe"):
        method("rmvpe")


def test_a_glide_is_followed(find: Method) -> None:
    hz = np.linspace(120, 240, 2 * RATE)
    found = find(voice(hz))[10:-10]
    wanted = hz[::HOP][10 : 10 + len(found)]
    assert np.median(np.abs(1200 * np.log2(np.maximum(found, 1) / wanted))) < 30


def test_silence_and_noise_have_no_pitch(find: Method) -> None:
    assert not find(np.zeros(RATE, np.float32)).any()
    noise = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)
    assert (find(noise) > 0).mean() < 0.2


@pytest.mark.parametrize("length", [0, 1, 100, 161, 4_000])
def test_any_length_gives_a_value_per_hop(find: Method, length: int) -> None:
    sound = voice(np.full(length, 150.0))
    assert len(find(sound)) == length // HOP + 1
    assert np.isfinite(find(np.full(length, np.nan, np.float32))).all()

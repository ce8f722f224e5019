"""The figures of `vaidol bench avatar` are right: known skews are found, and what is no onset is none."""

from __future__ import annotations

import numpy as np
import pytest

from vaidol.tests.bench.avatar import _skew


def sampled(skew_ms: float, onsets: int = 20) -> dict[str, object]:
    """A sound of 180 ms every 500 ms with some noise, and a mouth that opens within 30 ms, `skew_ms` late."""
    chance = np.random.default_rng(3)
    at = np.cumsum(chance.uniform(3.0, 6.0, size=onsets * 110))

    def curve(shift: float, rise: float, fall: float) -> np.ndarray:
        phase = (at - 200 - shift + rise / 2) % 500
        return np.interp(phase, [0, rise, 180, 180 + fall, 500], [0, 1, 1, 0, 0])

    loud = 0.1 * curve(0.0, 4.0, 4.0) + chance.uniform(0, 0.002, at.size)
    return {"samples": np.stack([at, loud, 0.8 * curve(skew_ms, 30.0, 90.0)], axis=1)}


@pytest.mark.parametrize("skew_ms", [-30.0, 0.0, 12.0, 60.0])
def test_a_known_skew_is_found(skew_ms: float) -> None:
    found = _skew(sampled(skew_ms))
    assert found["skew_ms_p50"] == pytest.approx(skew_ms, abs=2)
    assert found["skew_ms_max"] == pytest.approx(abs(skew_ms), abs=6)
    assert found["onsets"] >= 18

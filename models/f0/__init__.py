"""Fundamental frequency: what pitch a voice has at each moment. One method per file, all of the same form."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
RATE = 16_000  # Hz, of the sound
HOP = 160  # samples between two values, 10 ms
Method = Callable[[F32], F32]
"""(n,) float32, [-1, 1], 16 kHz -> (n // 160 + 1,) Hz, one value per 10 ms, 0 = unvoiced."""

METHODS = ("swift", "periods", "rmvpe")


def method(name: str, rmvpe: Path | None = None) -> Method:
    """Load one of METHODS; `rmvpe` is the file of the user's own network. Raises LoadError, ValueError."""
    if name == "swift":
        from vaidol.models.f0.swift import Swift

        return Swift()
    if name == "periods":
        from vaidol.models.f0.periods import Periods

        return Periods()
    if name == "rmvpe" and rmvpe is not None:
        from vaidol.models.rvc import load_rmvpe

        return load_rmvpe(rmvpe).f0
    raise ValueError(f"there is no f0 method {name!r}; there are: {', '.join(METHODS)}")

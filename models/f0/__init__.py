"""Fundamental frequency: what pitch a voice has at each moment. One method per file, all of the same form."""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
RATE = 16_000  # Hz, of the sound
HOP = 160  # samples between two values, 10 ms
Method = Callable[[F32], F32]
"""(n,) float32, [-1, 1], 16 kHz -> (n // 160 + 1,) Hz, one value per 10 ms, 0 = unvoiced."""

METHODS = tuple(sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")))
"""One for each file of this folder; it has `load(weights) -> Method`, with the user's own file where it needs one."""


def method(name: str, weights: Path | None = None) -> Method:
    """Load one of METHODS. Raises LoadError, ValueError."""
    if name not in METHODS:
        raise ValueError(f"there is no f0 method {name!r}; there are: {', '.join(METHODS)}")
    found: Method = importlib.import_module(f"{__name__}.{name}").load(weights)
    return found

"""Cutting long sound where it hurts least: at its quietest place."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


def pieces(samples: F32, rate: int, bounds_s: tuple[float, float]) -> Iterator[tuple[int, F32]]:
    """Sound (n,) at `rate` Hz, longer than the upper bound, cut at the quietest 200 ms between the bounds; with the
    number of the first sample of each piece. The last piece may be shorter than the lower bound."""
    shortest, longest = (int(bound * rate) for bound in bounds_s)
    hop, begin = rate // 50, 0
    while len(samples) - begin > longest:
        between = samples[begin + shortest : begin + longest]
        energy = np.square(between[: len(between) // hop * hop].astype(np.float64)).reshape(-1, hop).sum(axis=1)
        calm = np.convolve(energy, np.ones(10), mode="valid")
        end = begin + shortest + (int(np.argmin(calm)) + 5) * hop
        yield begin, samples[begin:end]
        begin = end
    yield begin, samples[begin:]

"""SwiftF0 (package swift-f0, MIT, weights inside): a small network, quick and steady in noise."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.models.errors import LoadError
from vaidol.models.onnx import open_onnx

F32 = NDArray[np.float32]

STEP = 256  # samples between two values of the network, 16 ms
HOP = 160
VOICED = 0.5  # its confidence is calibrated so
LOWEST, HIGHEST = 50.0, 1100.0  # Hz, what RVC voices know
SILENT = 1e-3  # peak of a step; in digital silence the network answers at random
FINEST = 1600  # samples; a shorter clip is heard with silence behind it


class Swift:
    """The network, shared by all streams. Thread-safe. About 3 ms for 0.3 s."""

    def __init__(self) -> None:
        """Load it from the installed package, on one thread. Raises LoadError."""
        found = importlib.util.find_spec("swift_f0")
        if found is None or found.origin is None:
            raise LoadError("the pitch method 'swift' needs the package swift-f0: pip install 'vaidol[ml]'")
        self._session: Any = open_onnx(Path(found.origin).with_name("model.onnx"))

    def __call__(self, samples: F32) -> F32:
        """See `vaidol.models.f0.Method`."""
        count = len(samples) // HOP + 1
        sound = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
        sound = np.pad(sound, (0, max(0, FINEST - len(sound))))
        limits = {"fmin": np.float32(LOWEST), "fmax": np.float32(HIGHEST)}
        fed = {"audio": sound[None], **{name: np.asarray(limit) for name, limit in limits.items()}}
        pitch, confidence = (row[0] for row in self._session.run(["pitch", "confidence"], fed))
        steps = len(pitch)
        whole = np.pad(sound, (0, max(0, steps * STEP - len(sound))))[: steps * STEP]
        voiced = (confidence >= VOICED) & (np.abs(whole.reshape(steps, STEP)).max(axis=1) >= SILENT)
        return _every_hop(np.where(voiced, pitch, 0.0), count)


def _every_hop(pitch: NDArray[np.float64], count: int) -> F32:
    """Values every STEP samples as values every HOP: between two voiced ones by their logarithm, else the nearest."""
    at = np.arange(count) * HOP / STEP
    left = np.minimum(at.astype(int), len(pitch) - 1)
    right = np.minimum(left + 1, len(pitch) - 1)
    share = at - left
    both = (pitch[left] > 0) & (pitch[right] > 0)
    logs = np.log(np.maximum(pitch, 1e-3))
    between = np.exp(logs[left] * (1 - share) + logs[right] * share)
    nearest = np.where(share < 0.5, pitch[left], pitch[right])
    every: F32 = np.where(both, between, nearest).astype(np.float32)
    return every


def load(weights: Path | None) -> Swift:
    """Its weights are in the package. Raises LoadError."""
    return Swift()

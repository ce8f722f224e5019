"""RMVPE (the user's own rmvpe.pt): the most exact, and the slowest."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaidol.models.errors import LoadError

F32 = NDArray[np.float32]


class Rmvpe:
    """The network, shared by all streams."""

    def __init__(self, path: Path) -> None:
        from vaidol.models.rvc import load_rmvpe

        self._network = load_rmvpe(path)

    def __call__(self, samples: F32) -> F32:
        """See `vaidol.models.f0.Method`."""
        return self._network.f0(samples)


def load(weights: Path | None) -> Rmvpe:
    """Raises LoadError."""
    if weights is None:
        raise LoadError("the pitch method 'rmvpe' needs its file: vaidol models pull rmvpe")
    return Rmvpe(weights)

"""What a line means, as a vector, where the model for that is here; loaded when first wanted, one for all sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vaidol.models.minilm import MiniLm

MODEL = "all-minilm-l6-v2"
POOL = "meaning"  # its thread
SCALE = 127  # of a vector of length 1, kept in int8: less than 1 % off
NEAR = 0.22  # cosine from which on a line may answer a question: `vaidol bench providers`


class Meaning:
    """All methods but `ready` block and belong on the pool `POOL`."""

    def __init__(self) -> None:
        self._network: MiniLm | None = None
        self.wrong = ""  # why there is none

    @property
    def ready(self) -> bool:
        return self._network is not None

    def load(self) -> None:
        """Load the model: half a second. Where that fails, `wrong` says why, and words alone are compared."""
        from vaidol.models.errors import ModelError
        from vaidol.models.minilm import MiniLm
        from vaidol.models.store import Store

        try:
            self._network = self._network or MiniLm(Store().path(MODEL))
            self.wrong = ""
        except ModelError as error:
            self.wrong = str(error)

    def lacks(self) -> str:
        """Why there is none, without loading it; "" where there is."""
        from vaidol.models.errors import ModelError
        from vaidol.models.store import Store

        try:
            Store().path(MODEL)
        except ModelError as error:
            return str(error)
        return self.wrong

    def vector(self, text: str) -> bytes:
        """As it is kept: 384 of int8. b"" where there is no model."""
        if self._network is None:
            return b""
        return np.rint(self._network.vector(text) * SCALE).astype(np.int8).tobytes()


def nearest(wanted: bytes, vectors: Sequence[bytes], most: int) -> list[int]:
    """The places of those of `vectors` that are near to `wanted`, the nearest first."""
    if not wanted or not vectors:
        return []
    table: NDArray[np.float32] = np.frombuffer(b"".join(vectors), np.int8).reshape(len(vectors), -1).astype(np.float32)
    cosine = table @ np.frombuffer(wanted, np.int8).astype(np.float32) / SCALE**2
    order = np.argsort(-cosine, kind="stable")[:most]
    return [int(at) for at in order if cosine[at] >= NEAR]

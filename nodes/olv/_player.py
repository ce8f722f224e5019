"""What `olv.out` asks of its client, given to the graph as its end `call`; the server's `/client-ws` implements it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.frames import Sentence

RATE = 24_000  # Hz


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence of reply `gen` with its sound: `samples` (n,) int16 mono at `RATE`; none where it has no sound."""

    gen: int
    sentence: Sentence
    samples: NDArray[np.int16]


class Player(Protocol):
    """A client that plays by itself. Called on the event loop; must not block or raise."""

    def speak(self, spoken: Spoken) -> None:
        """Play this behind what was given before."""

    def spoke(self, gen: int) -> None:
        """All sentences of reply `gen` have been given."""

    def play(self, samples: NDArray[np.int16], pts: int) -> None:
        """By the server's reckoning the client plays this now: (960,) int16 mono 48 kHz, from sample `pts` on."""

    def on_played(self, take: Callable[[], None]) -> Callable[[], None]:
        """`take()` runs when the client has played everything it was given; until the returned function is called."""

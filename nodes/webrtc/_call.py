"""What the nodes `webrtc.*` ask of a call, given to the graph as its end `call`; the server's session implements it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.frames import F32

Message = Mapping[str, Any]  # one JSON object of the data channel; "t" is its type


class Call(Protocol):
    """One person's call; it outlives a lost connection. Everything here runs on the event loop.

    What is given to `on_…` must not raise (`Context.guarded`), and is called until the returned function is.
    """

    def on_audio(self, take: Callable[[F32, int], None]) -> Callable[[], None]:
        """`take(samples (n,) float32 mono in [-1, 1], rate Hz)` gets the microphone as it arrives."""

    def on_message(self, take: Callable[[Message], None]) -> Callable[[], None]:
        """`take(message)` gets every data-channel message that is meant for the graph, checked against the protocol."""

    def on_join(self, take: Callable[[], None]) -> Callable[[], None]:
        """`take()` runs when the speaker's data channel has opened. The call itself repeats to it what was sent of what
        lasts: the state, the face, the sentence being spoken."""

    def on_others(self, take: Callable[[F32], None]) -> Callable[[], None]:
        """While the person is in a room with others, `take(samples)` gets what these, and their avatars, say: (960,)
        float32 mono 48 kHz, every 20 ms in which they do. The call itself lets the person hear it."""

    def play(self, samples: NDArray[np.int16], pts: int) -> None:
        """Send the next 20 ms of output: (960,) int16 mono 48 kHz; `pts` counts samples since the session began."""

    def send(self, message: Message, *, fast: bool = False) -> None:
        """Send one message; `fast` on the unordered channel, where a late one is lost. Nobody there: dropped."""

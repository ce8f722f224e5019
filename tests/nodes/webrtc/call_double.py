"""A call without a network: what the nodes play and send is kept, what a client would say is put in by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.server import messages


class CallDouble:
    """Implements `vaidol.nodes.webrtc._call.Call` for tests."""

    def __init__(self) -> None:
        self.played: list[tuple[int, NDArray[np.int16]]] = []
        self.sent: list[Mapping[str, Any]] = []
        self.audio: Callable[[NDArray[np.float32], int], None] = lambda samples, rate: None
        self.message: Callable[[Mapping[str, Any]], None] = lambda message: None
        self.registered: Counter[str] = Counter()  # how many are to be told now
        self.join: Callable[[], None] = lambda: None
        self.others: Callable[[NDArray[np.float32]], None] = lambda samples: None

    def on_audio(self, take: Callable[[NDArray[np.float32], int], None]) -> Callable[[], None]:
        self.audio = take
        return self._registered("audio")

    def on_message(self, take: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        self.message = take
        return self._registered("message")

    def on_join(self, take: Callable[[], None]) -> Callable[[], None]:
        self.join = take
        return self._registered("join")

    def on_others(self, take: Callable[[NDArray[np.float32]], None]) -> Callable[[], None]:
        self.others = take
        return self._registered("others")

    def _registered(self, what: str) -> Callable[[], None]:
        self.registered[what] += 1

        def remove() -> None:
            self.registered[what] -= 1

        return remove

    def play(self, samples: NDArray[np.int16], pts: int) -> None:
        self.played.append((pts, samples))

    def send(self, message: Mapping[str, Any], *, fast: bool = False) -> None:
        messages.check(message)  # what is sent is described there, and thereby in the published schema
        self.sent.append(message)

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        """The messages of one type, in order."""
        return [message for message in self.sent if message["t"] == kind]

    def sound(self) -> NDArray[np.int16]:
        """Everything played, in one array."""
        return np.concatenate([samples for _, samples in self.played]) if self.played else np.zeros(0, np.int16)

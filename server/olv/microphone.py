"""The microphone of a client that sends utterances in pieces of 16 kHz, faster than they were spoken or as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vaidol.graph.frames import F32

HEARD, GIVEN = 16_000, 48_000  # Hz
BEFORE_S = 0.4  # silence before an utterance: what the graph heard last is not the beginning of this one
AFTER_S = 0.06  # behind it, so that nothing of it stays in the resamplers
PIECE = HEARD // 10  # samples given at a time, 100 ms: less than what an edge for sound holds


class Microphone:
    """`give(samples (n,) float32 48 kHz)` gets the sound; `talk(on)` says that an utterance begins or has ended."""

    def __init__(self, give: Callable[[F32], None], talk: Callable[[bool], None]) -> None:
        import soxr

        self._give = give
        self._talk = talk
        self._up = soxr.ResampleStream(HEARD, GIVEN, 1, dtype="float32")
        self._talking = False

    def utterance(self, audio: Sequence[float]) -> None:
        """A piece of an utterance that the client has cut out."""
        if not self._talking and len(audio):
            self._feed(np.zeros(int(BEFORE_S * HEARD), np.float32))
            self._talking = True
            self._talk(True)
        self.stream(audio)

    def end(self) -> bool:
        """The utterance is whole; False when there was none."""
        if not self._talking:
            return False
        self._feed(np.zeros(int(AFTER_S * HEARD), np.float32))
        self._talking = False
        self._talk(False)
        return True

    def stream(self, audio: Sequence[float]) -> None:
        """Sound as it comes; the graph finds the speech in it."""
        samples = np.nan_to_num(np.asarray(audio, np.float32), posinf=0.0, neginf=0.0)
        self._feed(samples.clip(-1.0, 1.0))

    def _feed(self, samples: F32) -> None:
        for at in range(0, len(samples), PIECE):
            self._give(np.asarray(self._up.resample_chunk(samples[at : at + PIECE]), np.float32))

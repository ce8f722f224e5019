"""Silero VAD through onnxruntime: the probability that a 32 ms window of 16 kHz sound holds speech.

Network and calling convention: silero-vad 6.2, `utils_vad.OnnxWrapper` (MIT), here without torch.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaidol.models.onnx import open_onnx

F32 = NDArray[np.float32]

RATE = 16_000  # Hz
WINDOW = 512  # samples, 32 ms
CONTEXT = 64  # samples of the window before that the network sees again


class SileroState:
    """What the network remembers of one stream of sound; a fresh or reset one has heard nothing.

    `memory` (2, 1, 128) float32 is the recurrent state, `context` (64,) float32 the end of the last window.
    """

    __slots__ = ("context", "memory")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self.memory: F32 = np.zeros((2, 1, 128), np.float32)
        self.context: F32 = np.zeros(CONTEXT, np.float32)


class Silero:
    """The weights, shared by all sessions; what a session remembers is its SileroState.

    Thread-safe as long as one state is used by one thread at a time. One window takes about 0.1 ms.
    """

    def __init__(self, path: Path) -> None:
        self._session = open_onnx(path)
        self._rate = np.array(RATE, np.int64)
        self.probability(np.zeros(WINDOW, np.float32), self.state())  # the first run allocates

    def state(self) -> SileroState:
        """The state of a new stream."""
        return SileroState()

    def probability(self, window: F32, state: SileroState) -> float:
        """Speech in `window` (512,) float32, [-1, 1], 16 kHz, that follows the one before in `state`: 0..1."""
        return float(self.probabilities(window[np.newaxis], (state,))[0])

    def probabilities(self, windows: F32, states: Sequence[SileroState]) -> F32:
        """The next window of each of B streams at once: `windows` (B, 512) float32, B states -> (B,) float32, 0..1.

        Samples that are not finite count as silence. Raises ValueError for another shape.
        """
        if windows.shape != (len(states), WINDOW) or not states:
            raise ValueError(f"windows have the shape {windows.shape}, expected ({len(states)}, {WINDOW})")
        if not np.isfinite(windows.sum()):  # looking for single bad samples each time costs 15 us
            windows = np.nan_to_num(windows, nan=0.0, posinf=0.0, neginf=0.0)
        sound = np.empty((len(states), CONTEXT + WINDOW), np.float32)
        sound[:, CONTEXT:] = windows
        for row, state in enumerate(states):
            sound[row, :CONTEXT] = state.context
        memory = states[0].memory if len(states) == 1 else np.concatenate([state.memory for state in states], axis=1)
        out, memory = self._session.run(None, {"input": sound, "state": memory, "sr": self._rate})
        for row, state in enumerate(states):
            state.memory = memory[:, row : row + 1].copy()
            state.context = sound[row, -CONTEXT:].copy()
        probabilities: F32 = out[:, 0]
        return probabilities

"""Smart Turn 3.2 through onnxruntime: the probability that a speaker has finished, by the sound of the last 8 s.

Network and calling convention: the model's card (pipecat-ai/smart-turn-v3, BSD-2-Clause): Whisper's log-mel features of
exactly 8 s, padded in front, of sound brought to mean 0 and variance 1.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaidol.models.errors import LoadError
from vaidol.models.logmel import LogMel
from vaidol.models.onnx import open_onnx

F32 = NDArray[np.float32]

RATE = 16_000  # Hz
WINDOW_S = 8
WINDOW = WINDOW_S * RATE  # samples


class SmartTurn:
    """The weights, shared by all sessions; it remembers nothing. Thread-safe. One call takes about 50 ms of a core."""

    def __init__(self, path: Path) -> None:
        """Load and warm the network. Raises LoadError."""
        self._mel = LogMel(80)
        self._session = open_onnx(path)
        if [port.name for port in self._session.get_inputs()] != ["input_features"]:
            raise LoadError(f"{path} is an ONNX network, but not Smart Turn: it has no single input 'input_features'")
        self.finished(np.zeros(RATE, np.float32))

    def finished(self, samples: F32) -> float:
        """Whether who speaks in `samples` (n,) float32, [-1, 1], 16 kHz, has finished: 0..1.

        The last 8 s count; give the speech with about 200 ms of the silence behind it. Samples that are not finite
        count as silence. Raises ValueError for another shape.
        """
        if samples.ndim != 1:
            raise ValueError(f"samples have the shape {samples.shape}, expected (n,)")
        outcome = self._session.run(None, {"input_features": self.features(samples)[np.newaxis]})
        return float(outcome[0].reshape(-1)[0])

    def features(self, samples: F32) -> F32:
        """Log-mel features (80, 800) float32 of the last 8 s of `samples`."""
        sound = np.zeros(WINDOW, np.float32)
        clean = np.nan_to_num(samples[-WINDOW:], nan=0.0, posinf=0.0, neginf=0.0)
        sound[WINDOW - len(clean) :] = clean
        sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
        features: F32 = np.ascontiguousarray(self._mel(sound))
        return features

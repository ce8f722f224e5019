"""all-MiniLM-L6-v2 through onnxruntime: a sentence as a vector; what means the same points the same way. English.

Network and pooling: the model's card (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0), with weights in int8: cosine
with the vectors of the float32 network 0.999 and more.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.models.errors import LoadError
from vaidol.models.onnx import open_onnx

F32 = NDArray[np.float32]

WIDTH = 384
LONGEST = 128  # tokens of a text, about 90 words; the rest does not count
INPUTS = {"input_ids", "attention_mask", "token_type_ids"}


class MiniLm:
    """The weights; nothing is remembered between two calls. Thread-safe. A sentence takes about 5 ms of a core."""

    def __init__(self, folder: Path) -> None:
        """Load and warm the network: about half a second. Raises LoadError."""
        from tokenizers import Tokenizer

        try:
            self._tokens: Any = Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
        except OSError as error:
            raise LoadError(f"{folder / 'tokenizer.json'} could not be read: {error.strerror}") from error
        self._tokens.no_padding()
        self._tokens.enable_truncation(LONGEST)
        self._session = open_onnx(folder / "model.onnx")
        if {port.name for port in self._session.get_inputs()} != INPUTS:
            raise LoadError(f"{folder / 'model.onnx'} is an ONNX network, but not MiniLM: its inputs are others")
        self.vector("Hello.")

    def vector(self, text: str) -> F32:
        """What `text` means: (384,) float32 of length 1. An empty text has a vector, too."""
        ids = np.array([self._tokens.encode(text.encode(errors="replace").decode()).ids], np.int64)
        asked = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = self._session.run(None, asked)[0][0].mean(axis=0)
        vector: F32 = (mean / np.linalg.norm(mean)).astype(np.float32)
        return vector

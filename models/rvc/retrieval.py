"""The `.index` beside a voice: features of its training recordings, towards which the heard ones are drawn."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaidol.models.errors import LoadError

NEIGHBOURS = 8
CLOSEST = 1e-9  # squared distance that counts as none
WIDTHS = (256, 768)
MAX_FILE = 4 << 30  # bytes
MAGIC = b"IwFl"  # faiss: inverted lists of whole vectors
HEADER = struct.Struct("<4siqqq?i")  # magic, width, vectors, two unused, trained, metric
L2 = 1
NEEDED = "a voice's added_IVF…_Flat….index is needed"


class Index:
    """The vectors of one voice; shared by all streams. `width` is 256 (v1) or 768 (v2)."""

    def __init__(self, index: Any, vectors: NDArray[np.float32]) -> None:
        self._index = index
        self._vectors = vectors
        self.width = int(vectors.shape[1])

    def __len__(self) -> int:
        return len(self._vectors)

    def blend(self, units: Tensor, ratio: float) -> Tensor:
        """Draw `units` (1, T, width) towards their 8 nearest vectors, weighted by the inverse square of the squared
        distance: `ratio` 0 leaves them, 1 replaces them. A frame without neighbours stays.

        Raises ValueError for units of another width.
        """
        if units.ndim != 3 or units.shape[2] != self.width:
            raise ValueError(f"units have the shape {tuple(units.shape)}, this index needs (1, T, {self.width})")
        if ratio == 0:
            return units
        heard = np.ascontiguousarray(units[0].float().cpu().numpy())
        distances, ids = self._index.search(heard, NEIGHBOURS)
        weights = np.where(ids >= 0, 1 / np.maximum(distances.astype(np.float64), CLOSEST) ** 2, 0)
        total = weights.sum(1, keepdims=True)
        weights = weights / np.where(total > 0, total, 1)
        near = np.einsum("tk,tkw->tw", weights.astype(np.float32), self._vectors[ids])
        near = np.where(total > 0, near, heard)
        drawn = ratio * torch.from_numpy(near) + (1 - ratio) * torch.from_numpy(heard)
        return drawn[None].to(units)


def load_index(path: Path | str) -> Index:
    """The index in `path`, as WebUI and Applio write it. Raises LoadError."""
    import faiss

    path = Path(path)
    size = _check(path)
    limit = faiss.get_deserialization_vector_byte_limit()
    faiss.set_deserialization_vector_byte_limit(size)  # no list in the file may claim more than the file has
    try:
        index: Any = faiss.read_index(str(path))
        index.nprobe = 1
        lists = range(index.nlist)
        ids = [faiss.rev_swig_ptr(index.invlists.get_ids(i), index.invlists.list_size(i)) for i in lists]
        if not np.array_equal(np.sort(np.concatenate(ids)), np.arange(index.ntotal)):
            raise RuntimeError("the lists do not name every vector once")
        vectors = index.reconstruct_n(0, index.ntotal)
        if not np.isfinite(vectors).all():
            raise RuntimeError("vectors that are not finite")
        return Index(index, vectors)
    except (RuntimeError, MemoryError) as error:
        raise LoadError(f"{path} is cut off or damaged: fetch or copy it again, {NEEDED}") from error
    finally:
        faiss.set_deserialization_vector_byte_limit(limit)


def _check(path: Path) -> int:
    """The size of the file, if its first bytes are those of a voice's index. Raises LoadError."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(HEADER.size)
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}; {NEEDED}") from error
    if start[:4] != MAGIC or len(start) < HEADER.size:
        raise LoadError(f"{path} is no faiss index of the kind that voices have: {NEEDED}")
    _, width, vectors, _, _, trained, metric = HEADER.unpack(start)
    if width not in WIDTHS or metric != L2:
        raise LoadError(f"{path} is an index of vectors of width {width}, not 256 or 768 by distance: {NEEDED}")
    if not trained or vectors <= 0:
        raise LoadError(f"{path} is an index without vectors (trained_… instead of added_…): {NEEDED}")
    if size > MAX_FILE or vectors * (4 * width + 8) > size:
        raise LoadError(f"{path} is cut off: it claims {vectors} vectors in {size} bytes; fetch or copy it again")
    return size

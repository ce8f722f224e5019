"""Units are drawn towards the vectors that a plain search finds; files that are no index of a voice are refused."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
import torch

from vaidol.models.errors import LoadError
from vaidol.models.rvc import load_index

WIDTH, VECTORS, LISTS = 256, 500, 6


def built(seed: int, *, width: int = WIDTH, kind: str = f"IVF{LISTS},Flat", filled: bool = True) -> tuple[Any, Any]:
    """An index as WebUI builds it, and its vectors."""
    vectors = np.random.default_rng(seed).normal(size=(VECTORS, width)).astype(np.float32)
    index = faiss.index_factory(width, kind)
    index.train(vectors)
    if filled:
        index.add(vectors)
    return index, vectors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "added_IVF6_Flat_nprobe_1_me_v1.index"


@pytest.mark.parametrize("ratio", [0.0, 0.4, 1.0])
def test_units_are_drawn_to_their_neighbours(path: Path, ratio: float) -> None:
    made, vectors = built(1)
    faiss.write_index(made, str(path))
    centres = made.quantizer.reconstruct_n(0, LISTS).astype(np.float64)
    homes = ((vectors[:, None] - centres) ** 2).sum(2).argmin(1)
    units = np.random.default_rng(2).normal(size=(1, 20, WIDTH)).astype(np.float32)
    wanted = []
    for unit in units[0].astype(np.float64):
        home = ((unit - centres) ** 2).sum(1).argmin()
        members = vectors[homes == home].astype(np.float64)
        distance = ((members - unit) ** 2).sum(1)
        nearest = distance.argsort()[:8]
        weights = (1 / distance[nearest]) ** 2
        wanted.append(ratio * (weights / weights.sum()) @ members[nearest] + (1 - ratio) * unit)
    index = load_index(path)
    assert len(index) == VECTORS
    np.testing.assert_allclose(index.blend(torch.from_numpy(units), ratio)[0], wanted, atol=1e-5)


def test_a_unit_that_is_in_the_index_becomes_itself(path: Path) -> None:
    made, vectors = built(3)
    faiss.write_index(made, str(path))
    units = torch.from_numpy(vectors[None, :10])
    torch.testing.assert_close(load_index(path).blend(units, 1.0), units, atol=1e-5, rtol=0)


def test_few_and_no_neighbours(path: Path) -> None:
    made, vectors = built(4, filled=False)
    made.add(vectors[:1])
    faiss.write_index(made, str(path))
    units = torch.from_numpy(np.random.default_rng(5).normal(size=(1, 200, WIDTH)).astype(np.float32))
    drawn = load_index(path).blend(units, 1.0)[0].numpy()
    taken = (np.abs(drawn - vectors[0]) < 1e-5).all(1)
    stayed = (drawn == units[0].numpy()).all(1)
    assert taken.any()
    assert stayed.any()
    assert (taken | stayed).all()


def test_units_of_another_width_are_refused(path: Path) -> None:
    faiss.write_index(built(6)[0], str(path))
    with pytest.raises(ValueError, match=r"needs \(1, T, 256\)"):
        load_index(path).blend(torch.zeros(1, 5, 768), 0.5)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: built(7, filled=False)[0], "without vectors"),
        (lambda: built(8, width=128)[0], "width 128"),
        (lambda: built(9, kind="Flat")[0], "no faiss index of the kind"),
        (lambda: faiss.index_factory(WIDTH, "IVF1,Flat", faiss.METRIC_INNER_PRODUCT), "not 256 or 768 by distance"),
    ],
)
def test_another_index_is_refused(path: Path, made: Any, says: str) -> None:
    faiss.write_index(made(), str(path))
    with pytest.raises(LoadError, match=says):
        load_index(path)


def test_what_is_no_index_is_refused(path: Path) -> None:
    for content in (b"", b"IwFl", b"PK\x03\x04 a zip archive that is longer than the header"):
        path.write_bytes(content)
        with pytest.raises(LoadError, match="no faiss index"):
            load_index(path)
    with pytest.raises(LoadError, match="cannot be read"):
        load_index(path.with_name("none"))


def test_an_index_that_is_cut_off_is_refused(path: Path) -> None:
    faiss.write_index(built(10)[0], str(path))
    whole = path.read_bytes()
    for length in (40, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with pytest.raises(LoadError, match="cut off"):
            load_index(path)


def test_an_index_whose_lists_are_wrong_is_refused(path: Path) -> None:
    made, vectors = built(12)
    faiss.write_index(made, str(path))
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] + (VECTORS + 5).to_bytes(8, "little"))  # the last vector's number
    with pytest.raises(LoadError, match="damaged"):
        load_index(path)
    vectors[7, 7] = np.nan
    made.reset()
    made.add_with_ids(vectors, np.arange(VECTORS))
    faiss.write_index(made, str(path))
    with pytest.raises(LoadError, match="damaged"):
        load_index(path)


def test_claims_beyond_the_file_take_no_memory(path: Path) -> None:
    faiss.write_index(built(11)[0], str(path))
    whole, refused = path.read_bytes(), 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for at in range(4, 37 + 16 + 33 + 8, 4):  # every number up to the first vectors; some mean nothing
        path.write_bytes(whole[:at] + (2**34).to_bytes(8, "little") + whole[at + 8 :])
        try:
            load_index(path)
        except LoadError:
            refused += 1
    assert refused > 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB

"""MiniLM: what means the same lies together, whatever words it is said in."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from vaidol.models.errors import LoadError
from vaidol.models.minilm import WIDTH, MiniLm
from vaidol.models.store import Store

pytestmark = pytest.mark.models
PAIRS = {
    "I drive an old red Volvo.": "What car have I got?",
    "I do not eat meat at all.": "Am I a vegetarian?",
    "My sister is getting married in June.": "When is the wedding?",
    "My boy just started school.": "Do I have children?",
}


@pytest.fixture(scope="module")
def folder() -> Path:
    return Store().pull("all-minilm-l6-v2")


def test_questions_find_answers_in_other_words(folder: Path) -> None:
    network = MiniLm(folder)
    told, asked = (np.stack([network.vector(text) for text in texts]) for texts in (PAIRS, PAIRS.values()))
    assert (asked @ told.T).argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert np.linalg.norm(told, axis=1) == pytest.approx(1)
    for odd in ("", "\ud800", "\0", "word " * 5000, "桜がとても好きです"):
        vector = network.vector(odd)
        assert vector.shape == (WIDTH,)
        assert np.isfinite(vector).all()


def test_files_that_are_none_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="tokenizer"):
        MiniLm(tmp_path)
    shutil.copy(folder / "tokenizer.json", tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no network")
    with pytest.raises(LoadError, match=r"model\.onnx"):
        MiniLm(tmp_path)
    shutil.copy(Store().path("silero-vad-16k"), tmp_path / "model.onnx")
    with pytest.raises(LoadError, match="not MiniLM"):
        MiniLm(tmp_path)

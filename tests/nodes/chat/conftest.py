"""What the tests of all platforms have in common."""

from __future__ import annotations

import pytest

from vaidol.nodes.chat import _replies, _source


@pytest.fixture(autouse=True)
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is lost is tried again at once."""
    monkeypatch.setattr(_source, "FIRST_S", 0.02)
    monkeypatch.setattr(_replies, "AGAIN_S", 0.02)

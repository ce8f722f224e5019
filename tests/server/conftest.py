"""What the tests of the page share: one browser for each file, and the page as it opens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import chromium
from tests.server.pages import Script, Stage, staged


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with chromium() as found:
        yield found


@pytest.fixture
def stage(browser: object) -> Iterator[Stage]:
    """The page before a call; nothing in it may complain."""
    with staged(browser, Script()) as found:  # type: ignore[arg-type]
        yield found
        assert found.complaints == []

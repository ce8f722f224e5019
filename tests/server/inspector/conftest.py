"""A stage and a browser for all tests of the inspector, and a page of it that must show no fault and no secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from vaidol.server.app import Options
from vaidol.server.recordings import RecordingOptions
from vaidol.tests.browser import chromium, complaints
from vaidol.tests.server.inspector.looking import WAIT_MS
from vaidol.tests.server.inspector.stage import SECRET, TALK, Stage, staged

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    recording = RecordingOptions(folder=tmp_path_factory.mktemp("recordings"))
    with staged(TALK, options=Options(recording=recording)) as found:
        yield found


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    faults, sent = complaints(page), list[str]()
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sent.append(str(frame))))
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{stage.url}/inspector")
    page.wait_for_selector("[data-node=agent][data-state]")
    yield page
    assert [fault for fault in faults if "422" not in fault] == []  # a refused edit is what some tests are about
    assert SECRET not in page.content()
    assert not any(SECRET in frame for frame in sent)
    page.close()

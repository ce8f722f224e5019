"""What all tests share: no test may leave a task or a thread behind; `run_virtual` runs a coroutine on virtual time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from vaidol.graph.clock import Stalled, VirtualLoop, run_virtual

ROOT = Path(__file__).resolve().parents[1]
GRACE_S = 2.0  # a thread that has been told to stop gets this long
LONG_LIVED = ("server", "e2e", "bench")  # rooms whose fixtures keep a server, and so its threads, over many tests

settings.register_profile("vaidol", deadline=None)  # the machine is shared: how long an example takes says nothing
settings.load_profile("vaidol")

__all__ = ["Stalled", "VirtualLoop", "run_virtual"]


@pytest.fixture(scope="session", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What servers keep by themselves does not go among the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(autouse=True)
def nothing_leaks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test whose event loop ended with a task of ours still running, or that left a thread of ours."""
    leaked: list[str] = []
    cancel_all = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]

    def watch(loop: asyncio.AbstractEventLoop) -> None:
        leaked.extend(repr(task) for task in asyncio.all_tasks(loop) if _ours(task))
        cancel_all(loop)

    monkeypatch.setattr(asyncio.runners, "_cancel_all_tasks", watch)
    before = set(threading.enumerate())
    yield
    main_failed = getattr(request.node, "main_failed", False)
    assert main_failed or not leaked, "tasks left running:\n" + "\n".join(leaked)
    if not main_failed and request.node.path.relative_to(ROOT).parts[1] not in LONG_LIVED:
        left = _threads_left(before)
        assert not left, f"threads left running: {left}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test that has failed already is not blamed for what it could no longer clean up."""
    report = yield
    if report.when == "call":  # type: ignore[attr-defined]
        item.main_failed = report.failed  # type: ignore[attr-defined]
    return report


def _ours(task: asyncio.Task[object]) -> bool:
    coroutine = task.get_coro()
    code = getattr(coroutine, "cr_code", None)
    return code is not None and Path(code.co_filename).is_relative_to(ROOT) and ".venv" not in code.co_filename


def _threads_left(before: set[threading.Thread]) -> list[str]:
    until = time.monotonic() + GRACE_S
    while True:
        left = [t.name for t in threading.enumerate() if t not in before and t.name.startswith("vaidol-")]
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.01)

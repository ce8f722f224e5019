"""The pet on a desktop of its own (Xvfb): it joins a call, is dragged, sized and hidden, keeps its place, quits."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vaidol.tests.e2e.serving import serving
from vaidol.tests.e2e.test_calls import sessions

MISSING = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
MISSING += [module for module in ("PySide6", "pynput") if importlib.util.find_spec(module) is None]
pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
    pytest.mark.timeout(240),
]


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a program on it finds in its environment."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as told:
            display = told.readline().strip()
        try:
            yield {
                **os.environ, "DISPLAY": f":{display}",
                "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path),
                "QTWEBENGINE_DISABLE_SANDBOX": "1", "QTWEBENGINE_CHROMIUM_FLAGS": "--use-fake-device-for-media-stream",
            }  # fmt: skip
        finally:
            server.terminate()


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()


def until(true: Callable[[], object], what: str, seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, what
        time.sleep(0.1)  # another process: there is nothing else to wait on


def test_a_pet_lives_on_the_desktop(desktop: dict[str, str], tmp_path: Path) -> None:
    def ask(*command: str) -> str:
        return subprocess.run(command, env=desktop, check=False, capture_output=True, text=True, timeout=20).stdout

    def place() -> tuple[int, ...]:
        window = ask("xdotool", "search", "--onlyvisible", "--name", "vaidol").split()
        told = dict(line.split("=") for line in ask("xdotool", "getwindowgeometry", "--shell", *window[-1:]).split())
        return tuple(int(told[name]) for name in ("X", "Y", "WIDTH", "HEIGHT")) if window else ()

    with serving(tmp_path, "echo") as server:
        command = [sys.executable, "-m", "vaidol.server.cli", "pet", server.url, "--size", "400"]
        with (
            (tmp_path / "pet.log").open("w") as log,
            subprocess.Popen(command, env=desktop, stderr=log) as pet,
            ending(pet),
        ):
            until(
                lambda: [one for one in sessions(server) if one.get("packets", {}).get("received", 0) > 50],
                "it never spoke",
            )
            assert place() == (1280 - 320, 800 - 400, 320, 400)
            drag = "mousemove 1100 600 mousedown 1 mousemove --sync 1050 560 mousemove --sync 600 300 mouseup 1"
            ask("xdotool", *drag.split())
            until(lambda: place()[:2] < (600, 300), "it was not dragged")
            ask("xdotool", "mousemove", "600", "300", "click", "5")
            until(lambda: place()[3] < 400, "the wheel did nothing")
            ask("xdotool", "key", "ctrl+alt+h")
            until(lambda: not place(), "it did not hide")
            ask("xdotool", "key", "ctrl+alt+h")
            until(place, "it did not come back")
            was = place()
            ask("xdotool", "key", "ctrl+alt+q")
            assert pet.wait(timeout=20) == 0
        kept = (tmp_path / "vaidol" / "pet.ini").read_text()
        assert f"place=@Rect({' '.join(map(str, was))})" in kept
        until(lambda: not sessions(server), "its call goes on")
    assert "Traceback" not in (tmp_path / "pet.log").read_text()

"""The wheel, installed elsewhere and started from /: the page answers, and a typed turn works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from vaidol.tests.browser import calm, chromium
from vaidol.tests.e2e.serving import serving
from vaidol.tests.e2e.talking import needs_everything, start, told, type_in, wait_for_answers
from vaidol.tests.wheel import build

pytestmark = needs_everything


def test_the_wheel_serves_a_call_from_anywhere(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site]
    subprocess.run([*install, build(tmp_path)], check=True, cwd=tmp_path)
    where = "import vaidol.server.app as app; print(app.__file__)"
    loaded = subprocess.run(
        [sys.executable, "-c", where],
        env={**os.environ, "PYTHONPATH": str(site)}, cwd="/", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(loaded.stdout.strip()).is_relative_to(site)
    with serving(tmp_path, PYTHONPATH=str(site)) as server, chromium() as browser:
        page = calm(browser, bypass_csp=True).new_page()
        start(page, server.url)
        page.locator("#mute").click()
        type_in(page, "Hello!")
        wait_for_answers(page, 1)
        assert told(page, "avatar")[0]["text"]

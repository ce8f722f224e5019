"""What is vendored is what the lock file builds, with its licences; nothing of it is fetched from elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
VENDOR = ROOT / "server" / "web" / "vendor"


def test_the_bytes_are_the_recorded_ones() -> None:
    sums = json.loads((VENDOR / "sums.json").read_text())
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir()}
    found.pop("sums.json")
    assert found == sums


def test_every_package_is_locked_and_its_licence_is_kept() -> None:
    lock = json.loads((ROOT / ".vendor" / "package-lock.json").read_text())["packages"]
    wanted = json.loads((ROOT / ".vendor" / "package.json").read_text())
    licences = (VENDOR / "LICENSES.txt").read_text()
    for name in wanted["dependencies"]:
        package = lock[f"node_modules/{name}"]
        assert package["integrity"].startswith("sha512-")
        assert f"{name} {package['version']} (MIT)" in licences
    assert licences.count("Permission is hereby granted") >= len(wanted["dependencies"])


def test_the_page_loads_nothing_from_elsewhere() -> None:
    pages = [ROOT / "server/web/inspector.html", ROOT / "server/web/inspector.css"]
    for path in [*pages, *(ROOT / "server/web/js/inspector").glob("*.js")]:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), path.name
        assert not re.search(r"\bstyle=|innerHTML", text), path.name

"""The house rules that no linter knows: file sizes, one clock, one place that catches everything, a whole wheel."""

from __future__ import annotations

import ast
import subprocess
import zipfile
from pathlib import Path

import pytest

from vaidol.tests.wheel import build

ROOT = Path(__file__).parents[1]
ROOMS = ("graph", "nodes", "pipelines", "server", "models")
TRACKED = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
)
FILES = [ROOT / name for name in TRACKED.stdout.splitlines() if (ROOT / name).is_file()]
PRODUCT = [path for path in FILES if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOMS]
LONG = 300  # lines; a longer file says why in its first lines, beginning with "Long because"
BUILT_ON = {
    "numpy", "torch", "av", "aiortc", "aiohttp", "networkx", "yaml", "pydantic", "faster_whisper", "edge_tts", "openai"
}  # fmt: skip
CLOCKS = {"time", "sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "time_ns", "process_time"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix in {".py", ".js"} and "vendor" not in p.parts], ids=name)
def test_files_are_short_and_say_what_they_are(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONG or "Long because" in text[:600], f"{name(path)}: split it, or say why"
    if path.suffix == ".py" and text.strip():
        assert ast.get_docstring(ast.parse(text)), f"{name(path)}: no sentence says what this file is"


def test_errors_are_caught_in_one_place() -> None:
    blind = [
        f"{name(path)}:{node.lineno}"
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
        and not any(isinstance(last, ast.Raise) and last.exc is None for last in node.body)
    ]
    assert len(blind) <= 1, blind


def test_the_packages_that_vaidol_is_built_on_are_used() -> None:
    """They are given: none gives way to code of our own. (silero-vad comes as a file, see models/catalogue.py.)"""
    nodes = [node for path in PRODUCT for node in ast.walk(ast.parse(path.read_text()))]
    used = {node.module.partition(".")[0] for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    used |= {one.name.partition(".")[0] for node in nodes if isinstance(node, ast.Import) for one in node.names}
    assert used >= BUILT_ON


def test_time_enters_by_the_clock_alone() -> None:
    found = [
        f"{name(path)}:{node.lineno}"
        for path in PRODUCT
        if path != ROOT / "graph" / "clock.py" and "models" not in path.relative_to(ROOT).parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and ((node.value.id == "time" and node.attr in CLOCKS) or (node.value.id == "asyncio" and node.attr == "sleep"))
    ]
    assert found == []


def test_the_default_executor_is_left_to_the_opus_encoder() -> None:
    words = ("run_in_executor(None", "asyncio.to_thread")
    assert [name(p) for p in PRODUCT if any(word in p.read_text() for word in words)] == []


def test_the_wheel_holds_every_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(build(tmp_path)) as wheel:
        packed = set(wheel.namelist())
    parts = [path.relative_to(ROOT).parts for path in FILES if path.suffix != ".md"]
    wanted = {"/".join(("vaidol", *p)) for p in parts if p[0] in ROOMS or p[:2] == ("tests", "bench")}
    assert wanted - packed == set()

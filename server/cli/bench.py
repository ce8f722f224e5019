"""`vaidol bench`: measurements of vaidol itself; each is a module of `tests/bench` with `main(quick) -> dict`."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import pkgutil
from typing import Any

from vaidol.graph.yamlfile import nearest
from vaidol.server.cli.wrong import Wrong

PACKAGE = "vaidol.tests.bench"


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "bench",
        help="measure vaidol",
        description="Run a measurement; figures of earlier runs: tests/bench/RESULTS.md.",
    )
    command.add_argument("name", nargs="?", help="which; without a name they are listed")
    command.add_argument("--quick", action="store_true", help="a short run: seconds, rougher figures")
    command.add_argument("--minutes", type=float, metavar="N", help="of those that watch for long (soak: 60)")
    command.add_argument("--json", action="store_true", help="print the figures as JSON")
    return command


def run(arguments: argparse.Namespace) -> int:
    known = _names()
    if arguments.name is None:
        print(*known, sep="\n")
        return 0
    if arguments.name not in known:
        raise Wrong(f"there is no measurement '{arguments.name}'{nearest(arguments.name, known)}")
    measure = importlib.import_module(f"{PACKAGE}.{arguments.name}").main
    if arguments.minutes is None:
        figures = measure(arguments.quick)
    elif "minutes" in inspect.signature(measure).parameters:
        figures = measure(arguments.quick, arguments.minutes)
    else:
        raise Wrong(f"'{arguments.name}' takes the time it takes: leave --minutes out")
    print(json.dumps(figures, indent=1) if arguments.json else "\n".join(_lines(figures)))
    return 0


def _names() -> list[str]:
    package = importlib.import_module(PACKAGE)
    return sorted(found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_"))


def _lines(figures: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {f'{value:.4g}' if isinstance(value, float) else value}")
    return lines

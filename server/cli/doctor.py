"""`vaidol doctor`: which providers can be used on this machine, and what is missing for the others."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
from typing import Any

from vaidol.nodes import registry
from vaidol.server.providers import examine, tables


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "doctor",
        help="say which providers work here, and what is missing",
        description="Packages, programs, keys, models and servers of this machine, provider by provider.",
    )
    command.add_argument("--json", action="store_true", help="as JSON")
    command.add_argument(
        "--markdown", action="store_true", help="the tables of the README instead: what each one needs"
    )
    return command


def run(arguments: argparse.Namespace) -> int:
    if arguments.markdown:
        print(tables(registry()), end="")
        return 0
    found = examine(registry())
    if arguments.json:
        rows = [
            {"kind": one.kind, "ready": one.ready, "say": one.say, "has": one.has, "gives": one.provider.gives}
            for one in found
        ]
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    print(_machine())
    width = max(len(one.kind) for one in found)
    for one in found:
        has = f"   [{', '.join(one.has)}]" if one.has else ""
        print(f"  {'ok  ' if one.ready else '-   '}{one.kind.ljust(width)}  {one.say}{has}")
    print(f"{sum(one.ready for one in found)} of {len(found)} can be used. Settings of one: vaidol nodes KIND")
    return 0


def _machine() -> str:
    graphics = "an NVIDIA driver" if shutil.which("nvidia-smi") else "no NVIDIA driver"
    return f"Python {platform.python_version()} on {platform.system()}, {os.cpu_count()} processors, {graphics}"

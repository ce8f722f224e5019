"""`vaidol schema`: the JSON schema of pipeline files, for completion and checks in an editor."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from vaidol.graph import schema
from vaidol.nodes import registry


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "schema",
        help="print the JSON schema of pipeline files",
        description="The JSON schema of pipeline files with the settings of every kind, those of installed packages "
        "included. An editor uses it by the line '# yaml-language-server: $schema=FILE' in a pipeline file.",
    )
    return command


def run(arguments: argparse.Namespace) -> int:
    kinds = registry()
    for message in schema.broken(kinds).values():
        print(f"left out: {message}", file=sys.stderr)
    print(schema.text(kinds), end="")
    return 0

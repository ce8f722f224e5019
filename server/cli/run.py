"""`vaidol run`: a pipeline on sound files instead of a call."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "run", help="run a pipeline on a WAV file", description="Answer a question in a WAV file, without a browser."
    )
    return command


def run(arguments: argparse.Namespace) -> int:
    return 0

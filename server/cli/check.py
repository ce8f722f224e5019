"""`vaidol check`: every mistake of a pipeline file, without loading a model."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from vaidol.graph.errors import PipelineError
from vaidol.server.cli import pipeline


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "check", help="check pipeline files", description="Name every mistake with file:line:column; load no model."
    )
    command.add_argument("pipelines", nargs="+", metavar="FILE", help=pipeline.HELP)
    return command


def run(arguments: argparse.Namespace) -> int:
    wrong = False
    for name in arguments.pipelines:
        try:
            plan, _ = pipeline.plan(name)
        except PipelineError as error:
            wrong = True
            print(*error.problems, sep="\n", file=sys.stderr)
        else:
            made = sum(node.adapter for node in plan.nodes)
            adapters = f", {made} of them adapters put in" if made else ""
            print(f"{pipeline.find(name)}: ok, {len(plan.nodes)} nodes{adapters}, {len(plan.edges)} edges")
    return 2 if wrong else 0

"""`vaidol graph`: the graph a pipeline file makes, as a table or a drawing."""

from __future__ import annotations

import argparse
from typing import Any

from vaidol.graph import render
from vaidol.server.cli import pipeline


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "graph", help="show the graph a pipeline makes", description="Show nodes, adapters, edges, lanes and bounds."
    )
    command.add_argument("pipeline", metavar="FILE", help=pipeline.HELP)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--mermaid", dest="draw", action="store_const", const=render.mermaid, help="as Mermaid text")
    form.add_argument("--dot", dest="draw", action="store_const", const=render.dot, help="as Graphviz text")
    command.set_defaults(draw=render.table)
    return command


def run(arguments: argparse.Namespace) -> int:
    plan, _ = pipeline.plan(arguments.pipeline)
    print(arguments.draw(plan), end="")
    return 0

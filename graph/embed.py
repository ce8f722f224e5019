"""A graph inside another program: compile a dict, run it, push frames in and take them out (see `vaidol.graph`)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from vaidol.graph.compiler import compile_plan
from vaidol.graph.ends import ENDS
from vaidol.graph.engine import Engine
from vaidol.graph.node import Node
from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict

Kinds = Mapping[str, type[Node[Any]]]


def registry(kinds: Kinds | None = None, *, package: str | None = None) -> Registry:
    """The kinds in `kinds`, those of `vaidol.graph.ends`, and with `package="vaidol.nodes"` all that vaidol has."""
    return Registry(package, extra={**ENDS, **(kinds or {})}, outside=package is not None)


def plan(pipeline: dict[str, Any], kinds: Registry) -> Plan:
    """`pipeline`: what a pipeline file holds, as Python data. Raises `PipelineError` with every mistake in it."""
    return compile_plan(from_dict(pipeline, partial=True), kinds)


@contextlib.asynccontextmanager
async def running(
    made: Plan, kinds: Registry, *, engine: Engine | None = None, ends: Mapping[str, Any] | None = None
) -> AsyncIterator[Graph]:
    """The graph of one session, running. `engine` is shared by all sessions of a process; without one it gets its own.

    ends: the outside ends that nodes ask for by name, such as the peer of a call.
    """
    own = engine or Engine(kinds)
    try:
        async with Graph(made, own, ends=ends) as graph:
            yield graph
    finally:
        if engine is None:
            own.close()

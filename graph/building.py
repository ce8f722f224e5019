"""What the compiler works on: nodes and edges half way from the file to the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.spec import EdgeSpec, NodeSpec


@dataclass(eq=False)
class Built:
    """A node under compilation."""

    name: str
    spec: NodeSpec
    kind: type[Node[Any]]
    settings: Settings
    inputs: dict[str, Port]
    outputs: dict[str, Port]
    adapter: bool = False


@dataclass(eq=False)
class Link:
    """An edge under compilation; `index`: its number in the file."""

    index: int
    spec: EdgeSpec
    source: Built
    out: Port
    target: Built
    into: Port
    rate: int | None = None


def built(name: str, spec: NodeSpec, kind: type[Node[Any]], settings: Settings, *, adapter: bool = False) -> Built:
    """The node with the ports it has under these settings."""
    inputs, outputs = kind.ports(settings)
    return Built(name, spec, kind, settings, {p.name: p for p in inputs}, {p.name: p for p in outputs}, adapter)

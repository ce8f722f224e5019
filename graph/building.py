"""What the compiler works on: nodes and edges half way from the file to the plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.spec import EdgeSpec, NodeSpec


@dataclass(eq=False)
class Built:
    """A node under compilation; `stand_ins` may come to run in its place, in that order, on its edges."""

    name: str
    spec: NodeSpec
    kind: type[Node[Any]]
    settings: Settings
    inputs: dict[str, Port]
    outputs: dict[str, Port]
    adapter: bool = False
    stand_ins: list[Built] = field(default_factory=list)

    @property
    def all(self) -> list[Built]:
        """The node and its stand-ins."""
        return [self, *self.stand_ins]


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

    def wanted(self, name: str) -> Any:
        """What the target, or a stand-in of it, wants `name` (rate, dtype, frame_ms) to be; None = anything."""
        ports = (node.inputs.get(self.into.name) for node in self.target.all)
        return next((value for port in ports if port and (value := getattr(port, name)) is not None), None)


def built(name: str, spec: NodeSpec, kind: type[Node[Any]], settings: Settings, *, adapter: bool = False) -> Built:
    """The node with the ports it has under these settings."""
    inputs, outputs = kind.ports(settings)
    return Built(name, spec, kind, settings, {p.name: p for p in inputs}, {p.name: p for p in outputs}, adapter)

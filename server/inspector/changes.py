"""The meters of a session as messages: everything once, then only what changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from vaidol.graph.meters import Snapshot

NODE_FACTS = ("name", "kind", "lane")
EDGE_FACTS = (
    "name", "source", "source_port", "target", "target_port", "frame", "rate", "policy", "bound", "bound_ms", "lane",
    "feedback",
)  # fmt: skip  # told with the plan

Rows = dict[str, dict[str, Any]]  # by name


class Changes:
    """What one viewer knows. `after` gives the next message; nothing is lost when some are never asked for."""

    def __init__(self) -> None:
        self._nodes: Rows = {}
        self._edges: Rows = {}

    def after(self, snapshot: Snapshot) -> dict[str, Any]:
        """The message that brings the viewer up to `snapshot`."""
        nodes = _rows(snapshot["nodes"], NODE_FACTS)
        edges = _rows(snapshot["edges"], EDGE_FACTS)
        told = {
            "t": "meters",
            "at": snapshot["at_ms"],
            "generation": snapshot["generation"],
            "held": snapshot["held"],
            "replies": snapshot["replies"],
            "loop": snapshot["loop"],
            "nodes": _changed(self._nodes, nodes),
            "edges": _changed(self._edges, edges),
        }
        self._nodes, self._edges = nodes, edges
        return told


def _rows(meters: Iterable[Any], facts: tuple[str, ...]) -> Rows:
    return {
        row["name"]: {key: value for key, value in row.items() if key not in facts}
        for row in cast(Iterable[Mapping[str, Any]], meters)
    }


def _changed(before: Rows, after: Rows) -> Rows:
    found: Rows = {}
    for name, row in after.items():
        known = before.get(name, {})
        changed = {key: value for key, value in row.items() if known.get(key, ...) != value}
        if changed:
            found[name] = changed
    return found

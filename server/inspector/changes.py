"""The meters of a session as messages: everything once, then only what changed since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from vaidol.graph.cell import Cell
from vaidol.graph.edges import Edge
from vaidol.graph.generations import ALIVE
from vaidol.graph.meters import edge_meters, loop_meters, node_meters
from vaidol.graph.scheduler import Graph
from vaidol.server.inspector.masking import without

FACTS = {
    "name", "kind", "lane", "source", "source_port", "target", "target_port", "frame", "rate", "policy", "bound",
    "bound_ms", "feedback",
}  # fmt: skip  # told with the plan
Row = Mapping[str, Any]


class Changes:
    """What one viewer knows. `after` gives the next message; nothing is lost when some are never asked for.

    Most nodes and edges stand still most of the time: a few counters tell, and only of those that moved all meters
    are read.
    """

    def __init__(self) -> None:
        self._moved: dict[str, tuple[Any, ...]] = {}
        self._rows: dict[str, Row] = {}

    def after(self, graph: Graph, hidden: tuple[str, ...] = ()) -> dict[str, Any]:
        """The message that brings the viewer up to now; errors are told without what is `hidden` in them."""
        fence, engine = graph.fence, graph.engine
        return {
            "t": "meters",
            "at": round(graph.clock.s() * 1e3, 1),
            "generation": fence.newest,
            "held": fence.held,
            "replies": [
                {"gen": t.gen, "trace": t.trace, "committed": fence.life[t.gen] == ALIVE, "spoke": t.spoke}
                for t in fence.turns
            ],
            "loop": loop_meters(engine.ticker, engine.hung),
            "nodes": {
                cell.name: self._changed(f"node {cell.name}", node_meters(cell), hidden)
                for cell in graph.cells.values()
                if self._moves(f"node {cell.name}", _of_node(cell))
            },
            "edges": {
                edge.plan.name: self._changed(edge.plan.name, edge_meters(edge), hidden)
                for edge in graph.edges
                if self._moves(edge.plan.name, _of_edge(edge))
            },
        }

    def _moves(self, name: str, counters: tuple[Any, ...]) -> bool:
        moves = self._moved.get(name) != counters
        self._moved[name] = counters
        return moves

    def _changed(self, name: str, meters: object, hidden: tuple[str, ...]) -> dict[str, Any]:
        row = cast(Row, meters)
        known = self._rows.get(name, {})
        self._rows[name] = row
        changed = {key: value for key, value in row.items() if key not in FACTS and known.get(key, ...) != value}
        if changed.get("error"):
            changed["error"] = without(changed["error"], hidden)  # a provider may quote a secret
        return changed


def _of_node(cell: Cell) -> tuple[Any, ...]:
    return (
        cell.busy_s, cell.waited_s, cell.state, cell.count, cell.sent, cell.errors, cell.error, len(cell.restarts),
        cell.running,
    )  # fmt: skip


def _of_edge(edge: Edge) -> tuple[Any, ...]:
    return edge.entered, edge.taken, edge.dropped, edge.stale, len(edge.queue), edge.high

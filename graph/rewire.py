"""The moment of a swap: cells and edges of one plan become those of another, between two steps of the loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vaidol.graph.cell import Cell
from vaidol.graph.diff import placed
from vaidol.graph.edges import Edge
from vaidol.graph.gate import GatedEdge
from vaidol.graph.plan import Plan, PlanEdge
from vaidol.graph.wiring import retire

if TYPE_CHECKING:
    from vaidol.graph.scheduler import Graph


def rewire(graph: Graph, plan: Plan, fresh: Mapping[str, Cell]) -> list[Cell]:
    """Let `graph` be the graph of `plan`: cells in `fresh` take their places, all others stay as they are.

    What waits in an edge that stays goes on waiting there, in its order. Nothing runs meanwhile. Returns the cells that
    have lost their place: what they emit goes nowhere any more, and their tasks are being cancelled.
    """
    if graph.flow.draining:
        raise RuntimeError("a graph can only be changed between two steps")
    before, cells = graph.cells, _cells(graph, plan, fresh)
    retired = [cell for name, cell in before.items() if cells.get(name) is not cell]
    old_orders = {name: tuple(cell.order) for name, cell in before.items()}
    edges, followed = _edges(graph, plan, cells)
    for name, cell in cells.items():
        waiting = (followed.get(edge) for edge in old_orders.get(name, ()))
        cell.order = deque(edge for edge in waiting if edge is not None and edge.target is cell)
        cell.ins = [edge for edge in edges if edge.target is cell]
    for edge in edges:
        _in_order(edge)
    graph.plan, graph.cells, graph.edges = plan, cells, edges
    graph.wiring.edges(edges)
    for cell in retired:
        _end(graph, cell)
    for cell in cells.values():
        graph.wiring.link(cell)
    for edge in edges:
        if isinstance(edge, GatedEdge):
            edge.release()
    return retired


def _cells(graph: Graph, plan: Plan, fresh: Mapping[str, Cell]) -> dict[str, Cell]:
    """The cells of `plan`, in its order; those that stay get their new rules."""
    cells: dict[str, Cell] = {}
    for name, node in placed(plan).items():
        cell = cells[name] = fresh.get(name) or graph.cells[name]
        if cell.running is cell.plan:
            cell.running = node
        cell.plan = node
        old = graph.cells.get(name)
        if old is not None and old is not cell:  # meters never go back
            cell.busy_s, cell.waited_s, cell.times = old.busy_s, old.waited_s, old.times
            cell.slow, cell.errors = old.slow, old.errors
    return cells


def _edges(graph: Graph, plan: Plan, cells: Mapping[str, Cell]) -> tuple[list[Edge], dict[Edge, Edge]]:
    """The edges of `plan`, and which of them goes on where an old one was."""
    known, followed, edges = {edge.plan.name: edge for edge in graph.edges}, dict[Edge, Edge](), list[Edge]()
    for wanted in plan.edges:
        old = known.get(wanted.name)
        edge = _edge(graph, wanted, cells[wanted.target], old)
        if old is not None and old.plan.frame is wanted.frame:
            followed[old] = edge
        edges.append(edge)
    for old in known.values():
        if old not in followed:  # a sender that waits for room in it goes on
            old.dropped += len(old.queue)
            old.queue.clear()
            old.depth_ms = 0.0
            old.let_in()
    return edges, followed


def _edge(graph: Graph, wanted: PlanEdge, target: Cell, old: Edge | None) -> Edge:
    if old is None or old.plan.frame is not wanted.frame:
        return graph.edge(wanted, target)
    if old.plan.gated == wanted.gated:
        old.follow(wanted, target)
        return old
    edge = graph.edge(wanted, target)
    edge.take_over(old)
    edge.follow(wanted, target)
    if isinstance(edge, GatedEdge):
        edge.hold_all()
    return edge


def _in_order(edge: Edge) -> None:
    """Let the target know of every frame in `edge` that need not wait for a commit, and of no other."""
    order = edge.target.order
    free = len(edge.queue) - (edge.held if isinstance(edge, GatedEdge) else 0)
    known = order.count(edge)
    order.extend([edge] * (free - known))
    for _ in range(known - free):
        order.remove(edge)
    edge.trim()


def _end(graph: Graph, cell: Cell) -> None:
    """The node in `cell` has lost its place."""
    cell.closing = True
    cell.order.clear()
    retire(cell)
    graph.untick(cell)
    for task in (*cell.spawned, *([cell.task] if cell.task else [])):
        task.cancel()

"""Directed graphs as pairs (from, to): what lies behind a node, and where a way leads back to its beginning."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def behind(start: N, edges: Iterable[tuple[N, N]]) -> set[N]:
    """All nodes that can be reached from `start`, without itself."""
    import networkx as nx  # 21 MB and a tenth of a second: not before a pipeline is compiled

    graph: nx.DiGraph[N] = nx.DiGraph(list(edges))
    graph.add_node(start)
    return set(nx.descendants(graph, start)) - {start}


def circle(edges: Iterable[tuple[N, N]]) -> list[tuple[N, N]]:
    """The edges of one circle in their order; empty: there is none. The same edges give the same circle."""
    import networkx as nx

    graph: nx.DiGraph[N] = nx.DiGraph(list(edges))
    try:
        return [(source, target) for source, target, *_ in nx.find_cycle(graph)]
    except nx.NetworkXNoCycle:
        return []

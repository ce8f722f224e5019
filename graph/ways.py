"""Directed graphs as pairs (from, to): what lies behind a node, and where a way leads back to its beginning."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def behind(start: N, edges: Iterable[tuple[N, N]]) -> set[N]:
    """All nodes that can be reached from `start`, without itself."""
    following = _following(edges)
    found, waiting = {start}, [start]
    while waiting:
        new = [node for node in following.get(waiting.pop(), ()) if node not in found]
        found.update(new)
        waiting += new
    return found - {start}


def circle(edges: Iterable[tuple[N, N]]) -> list[tuple[N, N]]:
    """The edges of one circle in their order; empty: there is none. The same edges give the same circle."""
    following = _following(edges)
    done: set[N] = set()
    for begin in following:
        path, branches = [begin], [iter(following[begin])]
        while path:
            node = next((one for one in branches[-1] if one not in done), None)
            if node is None:
                done.add(path.pop())
                branches.pop()
            elif node in path:
                way = path[path.index(node) :]
                return list(zip(way, [*way[1:], node], strict=True))
            else:
                path.append(node)
                branches.append(iter(following.get(node, ())))
    return []


def _following(edges: Iterable[tuple[N, N]]) -> dict[N, list[N]]:
    found: dict[N, list[N]] = {}
    for source, target in edges:
        found.setdefault(source, []).append(target)
    return found

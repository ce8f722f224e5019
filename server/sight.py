"""Whether the avatar of a call can be shown pictures: told to its client, so that it offers what will be seen."""

from __future__ import annotations

from collections.abc import Callable

from vaidol.graph.frames import Image
from vaidol.graph.scheduler import Graph
from vaidol.server.running import Running, with_each_plan


def attend(session: Running, graph: Graph) -> Callable[[], None]:
    """Tell it now, and whenever that changes; returns what ends this."""
    told: bool | None = None

    def tell() -> None:
        nonlocal told
        if (able := sees(graph)) is not told:
            told = able
            session.send({"t": "sight", "able": able})

    return with_each_plan(graph, tell)


def sees(graph: Graph) -> bool:
    """A node is given pictures, and none of its settings is in their way."""
    takers = (graph.cells[edge.target].node for edge in graph.plan.edges if edge.frame is Image)
    return any(not getattr(node, "blind", "") for node in takers)

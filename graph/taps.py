"""Listening at an edge: whoever taps one gets every frame that enters it; an edge that nobody taps pays nothing."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from types import TracebackType

from vaidol.graph.cell import Cell
from vaidol.graph.edges import Edge
from vaidol.graph.frames import Frame

log = logging.getLogger("vaidol.graph")
Take = Callable[[Frame], None]


class Taps:
    """The taps of one graph, by name of their edge.

    A tap is one more edge behind the port, into a cell that is no node's: it costs its own call and nothing else. It
    sees what the tapped edge sees, so no frame of a dead reply. Taps outlive the node they listen to: `attach` puts
    them back when a cell was wired anew (restart, fallback, swap).
    """

    def __init__(self) -> None:
        self._edges: dict[str, list[Edge]] = {}  # those that lead to a listener
        self._cells: dict[Edge, Cell] = {}  # by tap: where it is attached now

    def tap(self, source: Cell, edge: Edge, take: Take) -> Callable[[], None]:
        """Call `take` with every frame that enters `edge`, which leaves `source`; returns what ends this.

        `take` runs inline on the loop: it keeps or queues the frame, changes none of it, and is quick. One that raises
        is taken off.
        """
        listener = Cell(edge.target.plan, lambda *_: None)
        listener.notice_s = math.inf
        tapping = Edge(edge.plan, listener, lambda _: None)
        tapping.direct = True

        def untap() -> None:
            kept = [one for one in self._edges.get(edge.plan.name, ()) if one is not tapping]
            self._edges[edge.plan.name] = kept
            if not kept:
                del self._edges[edge.plan.name]
            cell = self._cells.pop(tapping, None)
            outs = cell.outs if cell else {}
            for port, leaving in outs.items():
                outs[port] = tuple(one for one in leaving if one is not tapping)

        guard = _Fault(edge.plan.name, untap)

        def step(_: str, frame: Frame) -> None:
            with guard:
                take(frame)

        listener.step = step
        self._edges.setdefault(edge.plan.name, []).append(tapping)
        self.attach(source)
        return untap

    def attach(self, cell: Cell) -> None:
        """Put the taps on the edges that leave `cell` behind its ports."""
        for port, leaving in cell.outs.items():
            wanted = [tap for edge in leaving for tap in self._edges.get(edge.plan.name, ()) if tap not in leaving]
            cell.outs[port] = (*dict.fromkeys(wanted), *leaving)  # first: who takes a frame may end its reply
            self._cells.update(dict.fromkeys(wanted, cell))

    def on(self, name: str) -> int:
        """How many listen at the edge `name`."""
        return len(self._edges.get(name, ()))


class NoEdge(LookupError):
    """There is no such edge; the message names those there are."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no edge '{name}'; there are: {', '.join(known)}")


class _Fault:
    """Ends a tap that raises: who listens cannot disturb those who speak."""

    def __init__(self, name: str, untap: Callable[[], None]) -> None:
        self._name = name
        self._untap = untap

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, trace: TracebackType | None) -> bool:
        if not isinstance(error, Exception):
            return False
        log.error("a tap failed and was taken off", extra={"edge": self._name}, exc_info=error)
        self._untap()
        return True

"""What every session has, however its client came: what the routes and those who attend it work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from vaidol.graph.events import Event
from vaidol.graph.scheduler import Graph
from vaidol.nodes.webrtc._call import Message
from vaidol.server import protocol
from vaidol.server.groups.mix import Mix
from vaidol.server.listeners import Listeners

State = Literal["opening", "connected", "away", "ended"]


class Running(Protocol):
    """A session, as others see it. `graph` is None until its nodes are open; `born_s`: on the engine's clock."""

    @property
    def id(self) -> str: ...
    @property
    def born_s(self) -> float: ...
    @property
    def graph(self) -> Graph | None: ...
    @property
    def avatar(self) -> protocol.Avatar | None: ...
    @property
    def state(self) -> State: ...

    @property
    def sent(self) -> Listeners[Message]:
        """Told of everything the nodes tell the client."""

    def command(self, message: Message) -> bool:
        """Tell the graph what somebody outside wants; False where no node of it listens."""

    def send(self, message: Message, *, fast: bool = False) -> None:
        """Tell the client."""

    def confide(self, message: Message) -> None:
        """Tell the client's own page, and no viewer."""

    def on_message(self, take: Callable[[Message], None]) -> Callable[[], None]: ...

    def on_join(self, take: Callable[[], None]) -> Callable[[], None]: ...

    def enter(self, mix: Mix) -> Callable[[], None]:
        """Hear, and be heard in, a room, until the returned function is called."""

    def end(self, reason: str) -> None: ...

    def report(self) -> dict[str, Any]: ...


Attend = Callable[[Running, Graph], Callable[[], None]]  # called when the nodes are open; returns what ends it


def with_each_plan(graph: Graph, call: Callable[[], None]) -> Callable[[], None]:
    """`call` now, and after each change of the pipeline of `graph`; returns what ends this."""

    def hear(event: Event) -> None:
        if event.name == "swap" and event.code == "applied":
            call()

    call()
    return graph.events.listen(hear)


def meters(graph: Graph) -> dict[str, Any]:
    """What the nodes and edges of `graph` did so far."""
    return {
        "nodes": {
            cell.name: {
                "state": cell.state, "count": cell.count, "busy_ms": round(cell.busy_ns / 1e6, 2),
                "slowest_ms": round(cell.slowest_ns / 1e6, 2), "counts": dict(cell.counts),
            }
            for cell in graph.cells.values()
        },
        "edges": {
            edge.plan.name: {
                "entered": edge.entered, "taken": edge.taken, "dropped": edge.dropped, "stale": edge.stale,
                "depth": len(edge.queue), "high": edge.high,
            }
            for edge in graph.edges
        },
    }  # fmt: skip

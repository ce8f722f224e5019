"""Small graphs for tests of nodes: scripted sources and listening sinks, run on virtual time.

class Whisper(Node[Settings]): ...                        # the node under test, or any kind by name
result = play(
    {"mic": source(Audio, [(0.0, frame), (0.02, frame)], rate=16_000), "vad": "vad.silero", "ear": sink(Speech)},
    ["mic.out -> vad.audio", "vad.speech -> ear.in"],
)
result.frames("ear")                                      # what came, in order; `result.at("ear")` with times
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from vaidol import nodes as shipped
from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.events import Event
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict

LIMIT_S = 3_600.0  # virtual; a graph that is not idle by then never will be

Kind = str | type[Node[Any]]
NodeGiven = Kind | tuple[Kind, dict[str, Any]]  # a kind, or a kind with settings
Script = Iterable[tuple[float, Frame]]
Do = Callable[[Graph], Awaitable[None]]


def source(
    frame: type[Frame], script: Script, *, rate: int | None = None, dtype: Any = None, replies: bool = False
) -> type[Node[Any]]:
    """A node with the output `out` that sends each frame of `script` at its time, s from the start."""

    class Scripted(Node[Settings]):
        outputs = (Port("out", frame, rate=rate, dtype=dtype),)

        async def run(self) -> None:
            """Send what is scripted, when it is due."""
            begin = self.ctx.clock.s()
            for when, made in script:
                await self.ctx.clock.sleep(max(0.0, begin + when - self.ctx.clock.s()))
                await self.send("out", made)

    Scripted.replies = replies
    return Scripted


def sink(frame: type[Frame], **port: Any) -> type[Node[Any]]:
    """A node with the input `in` that keeps what comes; `port`: further fields of the port."""

    class Listening(Node[Settings]):
        inputs = (Port("in", frame, **port),)

        def process(self, port: str, frame: Frame) -> None:
            self.__dict__.setdefault("got", []).append((self.ctx.clock.s(), frame))

    return Listening


@dataclass
class Result:
    """What happened: the graph after its end, and everything the sinks got."""

    graph: Graph
    events: list[Event] = field(default_factory=list)

    def at(self, name: str) -> list[tuple[float, Any]]:
        """What the sink `name` got: (time in s on the virtual clock, frame)."""
        return list(self.graph.cells[name].node.__dict__.get("got", []))

    def frames(self, name: str) -> list[Any]:
        return [frame for _, frame in self.at(name)]

    def named(self, event: str) -> list[Event]:
        """The events of one name, oldest first."""
        return [one for one in self.events if one.name == event]

    @property
    def errors(self) -> list[str]:
        return [event.text for event in self.named("error")]


@contextlib.asynccontextmanager
async def running(
    nodes: Mapping[str, NodeGiven],
    edges: Iterable[str | Mapping[str, Any]],
    *,
    ends: Mapping[str, Any] | None = None,
    shared: Mapping[str, object] | None = None,
    turn: Mapping[str, Any] | None = None,
) -> AsyncIterator[Graph]:
    """The graph of `nodes` and `edges`, running. `shared` puts doubles in the place of loaded models, by `Need.key`."""
    extra = {f"test.{name}": kind for name, given in nodes.items() if isinstance(kind := _kind(given), type)}
    registry = Registry(shipped.__name__, extra=extra)
    spec = {
        "version": 1,
        "name": "test",
        "nodes": {name: _spec(name, given) for name, given in nodes.items()},
        "edges": list(edges),
        **({"turn": dict(turn)} if turn else {}),
    }
    engine = Engine(registry)
    engine.shared._loaded.update(shared or {})
    try:
        plan = compile_plan(from_dict(spec), registry)
        async with Graph(plan, engine, session="test", ends=ends) as graph:
            yield graph
    finally:
        engine.close()


async def idle(graph: Graph) -> None:
    """Wait until nothing is under way."""
    until = graph.clock.s() + LIMIT_S
    while not graph.idle and not graph.ended.done():
        assert graph.clock.s() < until, f"still busy: {[(n, c.state) for n, c in graph.cells.items()]}"
        await asyncio.sleep(0.01)


def play(
    nodes: Mapping[str, NodeGiven],
    edges: Iterable[str | Mapping[str, Any]],
    *,
    seconds: float | None = None,
    do: Do = idle,
    **how: Any,
) -> Result:
    """Run the graph on virtual time for `seconds`, else while `do(graph)` runs (until idle); see `running`."""

    async def main() -> Result:
        async with running(nodes, edges, **how) as graph:
            await (do(graph) if seconds is None else asyncio.sleep(seconds))
        return Result(graph, list(graph.events))

    return run_virtual(main())


def feed(kind: type[Node[Any]], settings: Settings, frames: Iterable[Frame], *, port: str = "audio") -> list[Any]:
    """Put `frames` through a synchronous node that needs nothing of its graph; what it emits, in order."""
    node, out = kind(settings, cast(Context, None)), list[Any]()
    node.emit = lambda _, frame: out.append(frame)
    for frame in frames:
        node.process(port, frame)
    return out


def pieces(
    samples: NDArray[Any], rate: int, *, frame_ms: int = 20, start: float = 0.0, **stamps: Any
) -> list[tuple[float, Audio]]:
    """`samples` as a script of `Audio` frames in real time: each leaves when its last sample has been recorded."""
    step = rate * frame_ms // 1000
    return [
        (
            start + min(at + step, len(samples)) / rate,
            Audio(samples=samples[at : at + step], rate=rate, pts=at, **stamps),
        )
        for at in range(0, len(samples), step)
    ]


def joined(frames: Iterable[Audio]) -> NDArray[Any]:
    """The samples of all `frames`, one after the other."""
    parts = [frame.samples for frame in frames]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _kind(given: NodeGiven) -> Kind:
    return given[0] if isinstance(given, tuple) else given


def _spec(name: str, given: NodeGiven) -> dict[str, Any]:
    kind = _kind(given)
    use = kind if isinstance(kind, str) else f"test.{name}"
    return {"use": use, "with": given[1]} if isinstance(given, tuple) else {"use": use}

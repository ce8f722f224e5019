"""What a node is: ports, settings, and one of three shapes of work."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, ParamSpec, Protocol, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

from vaidol.graph.clock import Clock
from vaidol.graph.events import EventLog
from vaidol.graph.frames import Frame
from vaidol.graph.generations import Fence, TurnCut
from vaidol.graph.ports import Port

T = TypeVar("T")
P = ParamSpec("P")


class Settings(BaseModel):
    """Base of every node's settings: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, protected_namespaces=(), allow_inf_nan=False
    )


S = TypeVar("S", bound=Settings)
Progress = Callable[[float, str], None]  # done in [0, 1], what is being done


@dataclass(frozen=True, slots=True)
class Far:
    """Nodes as a worker elsewhere is asked for them: their kind, as registries know it, and their settings."""

    kind: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Need:
    """Something heavy that a node shares with all sessions of the process: weights, a loaded model.

    key: equal keys share one copy. about: shown while it loads. load: blocking, called off the loop, once.
    host: not "": used by `Context.ask` alone, and so it can live on a thread of this process or in one of its own; for
    the latter `load` must be importable by name (a function, or a `functools.partial` of one with plain arguments).
    "remote(HOST:PORT)": with a worker there, which is told `far` instead.
    The node's `place` decides; this is what it is when that says nothing.
    """

    key: str
    about: str
    load: Callable[[Progress], object]
    host: str = ""
    far: Far | None = field(default=None, compare=False)


class Context(Protocol):
    """What the engine gives a node."""

    node: str
    session: str
    clock: Clock
    fence: Fence
    events: EventLog

    def end(self, name: str) -> Any:
        """The peer's side of the graph's end `name` ("call", "wav" ...); a clear error where this graph has none."""

    def shared(self, key: str) -> Any:
        """What the need `key` loaded; for one with a `host`, the `vaidol.graph.hosts.Host` that keeps it."""

    def spawn(self, work: Coroutine[Any, Any, None], *, gen: int = 0) -> asyncio.Task[None]:
        """Start work that belongs to this node; cancelled when `gen` dies and at close; failures are supervised."""

    async def call(self, pool: str, function: Callable[..., T], *args: Any) -> T:
        """Run blocking `function` on the process-wide one-thread executor `pool` and await its result.

        When the caller is cancelled, the function's thread runs on to its end: long calls need a way to be stopped.
        """

    async def ask(self, key: str, function: Callable[..., T], *args: Any, within_s: float) -> T:
        """`function(thing, *args)` with what the need `key` loaded, where that lives: one call after the other.

        Whoever is cancelled, or has waited for `within_s`, leaves at once; the answer goes nowhere. Raises what
        `function` raises, and `ProviderError`: "timeout", "process" when the worker process is gone, "busy".
        """

    def count(self, name: str, by: int = 1) -> None:
        """Count something of this node's own (`counts` in its meters)."""

    def each_tick(self, call: Callable[[int], None]) -> Callable[[], None]:
        """Call `call(skipped)` every 20 ms on the shared ticker until close; returns what ends it."""

    def guarded(self, call: Callable[P, None]) -> Callable[P, None]:
        """`call`, to be registered with the outside world: its failures are supervised, its time is this node's."""

    def mark(self, trace: int, name: str, ns: int | None = None) -> None:
        """Note a moment of an utterance for the waterfall (DESIGN section 9)."""

    def trouble(self, error: str, *, code: str = "provider", gen: int = 0) -> None:
        """Tell the people in the call, and the log, that something went wrong; the session goes on."""


class Node(Generic[S]):
    """A step of a graph. Subclasses give `inputs`, `outputs` and one of these:

    - `def process(self, port, frame)`: cheap and synchronous, runs inline in the caller's step;
    - `async def process(self, port, frame)`: waits for the outside world; own mailbox and task;
    - `async def run(self)`: a source; runs from open to close, and may stand beside either `process`.

    `self.emit(port, frame)` sends at once; `await self.send(port, frame)` waits first until the blocking edges behind
    the port have room, so that back-pressure reaches this node. Both come from the engine.
    """

    inputs: ClassVar[tuple[Port, ...]] = ()
    outputs: ClassVar[tuple[Port, ...]] = ()
    replies: ClassVar[bool] = False  # True: what it emits belongs to a reply, and dies with its generation
    effects: ClassVar[bool] = False  # True: it changes the world outside, and sees nothing of a reply before its commit
    paces: ClassVar[bool] = False  # True: it releases audio in real time; one on every way to a listener
    alone: ClassVar[bool] = False  # True: two at once would disturb each other outside; a swap closes the old one first
    carries: ClassVar[tuple[str, ...]] = ()  # attributes that a node in its place goes on with after a swap

    emit: Callable[[str, Frame], None]
    send: Callable[[str, Frame], Awaitable[None]]

    def __init__(self, settings: S, ctx: Context) -> None:
        self.settings = settings
        self.ctx = ctx

    @classmethod
    def ports(cls, settings: S) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
        """Inputs and outputs under these settings."""
        return cls.inputs, cls.outputs

    @classmethod
    def needs(cls, settings: S) -> tuple[Need, ...]:
        """What must be loaded, once per process, before `open`."""
        return ()

    async def open(self) -> None:
        """Get ready; everything in `needs` is loaded. Off the loop: whatever takes more than a few ms."""

    def process(self, port: str, frame: Any) -> Any:
        """Take one frame from an input port. `async def` in a subclass makes it an asynchronous node."""
        raise TypeError(f"{type(self).__name__} takes no frames")  # a node without inputs: the compiler lets none come

    async def run(self) -> None:
        """Produce frames until cancelled; a source returns when it has no more."""

    def cut(self, cut: TurnCut) -> None:
        """A reply died: forget it. Runs after the pacer is silent, before tasks of that generation are cancelled."""

    def export_state(self) -> dict[str, Any]:
        """What a node of the same room goes on with when it takes this one's place, by name."""
        return {name: getattr(self, name) for name in self.carries}

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on with what another node of this room exported; open, and not connected yet."""
        for name in self.carries:
            if name in state:
                setattr(self, name, state[name])

    async def close(self) -> None:
        """Let go of everything; always called, also when `open` failed."""

    @classmethod
    def settings_class(cls) -> type[Settings]:
        """The class in `class Foo(Node[FooSettings])`, here or in a base."""
        for base in cls.__mro__:
            for generic in getattr(base, "__orig_bases__", ()):
                for argument in get_args(generic):
                    if isinstance(argument, type) and issubclass(argument, Settings):
                        return argument
        return Settings

    @classmethod
    def is_async(cls) -> bool:
        return inspect.iscoroutinefunction(cls.process)

    @classmethod
    def is_source(cls) -> bool:
        return cls.run is not Node.run

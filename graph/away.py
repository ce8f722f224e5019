"""`place: process` and `remote(HOST:PORT)` for synchronous nodes: they live in a worker, and this speaks for them.

All nodes of one kind with equal settings share a worker; each session has its own node in it. A worker that dies loses
what its nodes remembered, and the frames that were under way: the next ones find a new node.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

from vaidol.graph.clock import Clock
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Audio, Frame, Sentence
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Far, Need, Node, Progress, Settings
from vaidol.graph.plan import PlanNode
from vaidol.graph.ports import Port

OPEN_S, CLOSE_S = 60.0, 1.0
ANSWER_S = 5.0  # what a synchronous node may take for a frame
SENTENCES_KEPT = 64
NODES_MAX = 256  # in one worker; the one that was longest without work is forgotten first


def running_kind(kind: type[Node[Any]], plan: PlanNode) -> type[Node[Any]]:
    """What stands in the graph for a node of `kind`."""
    if plan.place in ("inline", "thread") or kind.is_async():
        return kind
    if (kind, plan.place) not in _AWAY:
        same = {name: getattr(kind, name) for name in ("inputs", "outputs", "replies", "effects", "__doc__")}
        here = {"kind": kind, "named": plan.kind, "place": plan.place}
        _AWAY[kind, plan.place] = type(f"{kind.__name__}Away", (Away,), {**same, **here})
    return _AWAY[kind, plan.place]


@dataclass(slots=True)
class Made:
    """What a node did with one frame: what it sent, what it told, what it counted."""

    frames: list[tuple[str, Frame]] = field(default_factory=list)
    troubles: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class Away(Node[Settings]):
    """Stands in the graph for a node of `kind`."""

    kind: ClassVar[type[Node[Any]]]
    named: ClassVar[str]  # the kind, as the registry knows it
    place: ClassVar[str]

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._need = self.needs(settings)[0].key
        self._owner = f"{ctx.session} {ctx.node} {id(self)}"
        self._sentences: deque[Sentence] = deque(maxlen=SENTENCES_KEPT)
        self._opened = False
        self._dead: list[TurnCut] = []  # to be told with the next frame: a cut waits for nobody

    @classmethod
    def ports(cls, settings: Settings) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
        return cls.kind.ports(settings)

    @classmethod
    def needs(cls, settings: Settings) -> tuple[Need, ...]:
        told = hashlib.sha256(repr(settings.model_dump()).encode()).hexdigest()[:16]
        name = f"{cls.kind.__module__}.{cls.kind.__qualname__}"
        here = partial(load, cls.kind, settings)
        far = Far(cls.named, settings.model_dump())
        return (Need(f"{cls.place} {name} {told}", cls.named, here, host=cls.place, far=far),)

    async def open(self) -> None:
        await self.ctx.ask(self._need, Nodes.open, self._owner, within_s=OPEN_S)
        self._opened = True

    async def close(self) -> None:
        if self._opened:
            with contextlib.suppress(ProviderError):  # it is gone, or too busy: forgotten in time
                await self.ctx.ask(self._need, Nodes.close, self._owner, within_s=CLOSE_S)

    async def process(self, port: str, frame: Frame) -> None:
        self._sentences.extend(
            one for one in [getattr(frame, "of", None)] if one is not None and one not in self._sentences
        )
        cuts, self._dead = self._dead, []
        made = await self.ctx.ask(self._need, Nodes.process, self._owner, cuts, port, frame, within_s=ANSWER_S)
        for text, code in made.troubles:
            self.ctx.trouble(text, code=code, gen=frame.gen)
        for name, by in made.counts.items():
            self.ctx.count(name, by)
        for out, sent in made.frames:
            await self.send(out, self._known(sent))

    def cut(self, cut: TurnCut) -> None:
        self._dead.append(cut)

    def _known(self, frame: Frame) -> Frame:
        """The frame with the sentence that went there, not its copy: who compares sentences asks whether it is it."""
        if not isinstance(frame, Audio) or frame.of is None:
            return frame
        return replace(frame, of=next((one for one in self._sentences if one == frame.of), frame.of))


_AWAY: dict[tuple[type[Node[Any]], str], type[Away]] = {}  # made when they are first placed


# in the worker


def load(kind: type[Node[Any]], settings: Settings, progress: Progress) -> Nodes:
    """For `Need.load`: what these nodes need, and nodes to come."""
    return Nodes(kind, settings, {need.key: need.load(progress) for need in kind.needs(settings)})


class Nodes:
    """The nodes of one kind with equal settings, by whose they are."""

    def __init__(self, kind: type[Node[Any]], settings: Settings, shared: dict[str, object]) -> None:
        self._kind, self._settings, self._shared = kind, settings, shared
        self._loop = asyncio.new_event_loop()
        self._nodes: dict[str, tuple[Node[Any], FarContext]] = {}

    def process(self, owner: str, cuts: list[TurnCut], port: str, frame: Frame) -> Made:
        """One frame for the node of `owner`, after what was cut before."""
        if owner not in self._nodes:
            self.open(owner)
        node, ctx = self._nodes[owner] = self._nodes.pop(owner)  # the last one is the newest
        for cut in cuts:
            node.cut(cut)
        ctx.made = made = Made()
        node.process(port, ctx.known(frame))
        return made

    def close(self, owner: str) -> None:
        """The node of `owner` is needed no more."""
        if owner in self._nodes:
            node, _ = self._nodes.pop(owner)
            self._loop.run_until_complete(node.close())

    def close_all(self) -> None:
        """None is needed any more."""
        for owner in tuple(self._nodes):
            self.close(owner)
        self._loop.close()

    def open(self, owner: str) -> None:
        """Make and open the node of `owner`."""
        while len(self._nodes) >= NODES_MAX:
            self.close(next(iter(self._nodes)))
        ctx = FarContext(owner, self._shared, Clock(self._loop))
        node = self._kind(self._settings, ctx)
        node.emit = lambda port, frame: ctx.made.frames.append((port, frame))
        self._nodes[owner] = node, ctx
        self._loop.run_until_complete(node.open())


class FarContext:
    """What a node in a worker process has of `vaidol.graph.node.Context`; the rest belongs to the session."""

    def __init__(self, owner: str, shared: dict[str, object], clock: Clock) -> None:
        self.session, self.node, *_ = owner.split()
        self.clock = clock
        self.made = Made()
        self._shared = shared
        self._sentence: Sentence | None = None

    def shared(self, key: str) -> Any:
        return self._shared[key]

    def trouble(self, error: str, *, code: str = "provider", gen: int = 0) -> None:
        self.made.troubles.append((error, code))

    def count(self, name: str, by: int = 1) -> None:
        self.made.counts[name] = self.made.counts.get(name, 0) + by

    def mark(self, trace: int, name: str, ns: int | None = None) -> None:
        """The waterfall is the session's; what a worker takes is seen there as this node's."""

    def guarded(self, call: Callable[..., None]) -> Callable[..., None]:
        return call

    def known(self, frame: Frame) -> Frame:
        """The frame with the sentence that the frame before had, if it is the same."""
        if not isinstance(frame, Audio):
            return frame
        if frame.of == self._sentence:
            return replace(frame, of=self._sentence)
        self._sentence = frame.of
        return frame

    def __getattr__(self, name: str) -> Any:
        raise ProviderError(f"{self.node} needs the session ({name}): it cannot be placed in a worker", code="place")

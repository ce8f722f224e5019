"""A running node: the instance, its mailbox, its state and its meters."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Protocol

from vaidol.graph.clock import busy_s
from vaidol.graph.edges import Edge
from vaidol.graph.frames import Frame
from vaidol.graph.histogram import BUCKETS
from vaidol.graph.node import Node
from vaidol.graph.plan import PlanNode

State = Literal["loading", "idle", "busy", "restarting", "failed"]
SLOW_S = 0.010  # a step longer than this is named: it held up every session of the process


class Others(Protocol):
    """Who runs other nodes while one emits."""

    drained_s: float  # spent on that so far


class Cell:
    """The place of one node in a running graph; the node inside may be replaced (restart, fallback, swap).

    A `paused` cell keeps what comes in its edges, within their bounds.
    """

    __slots__ = (
        "begun_s", "busy_s", "closing", "context", "counts", "current", "current_edge", "cutting", "error", "errors",
        "failed", "handed", "ins", "leaving", "loading", "node", "notice_s", "on_slow", "order", "others", "outs",
        "plan", "pumping", "restarting", "restarts", "running", "sent_before", "since", "slow", "slowest_s", "spawned",
        "step", "task", "tickers", "times", "waited_s", "waiter", "wake",
    )  # fmt: skip

    def __init__(self, plan: PlanNode, on_slow: Callable[[Cell, float], None]) -> None:
        self.plan = plan
        self.running = plan  # of the node now inside: `plan`, or that of a stand-in
        self.node: Node[Any]  # set when built
        self.step: Callable[[str, Frame], Any]  # the node's `process`, or what replaces it while there is none
        self.ins: list[Edge] = []
        self.leaving: list[Edge] = []
        self.outs: dict[str, tuple[Edge, ...]] = {}
        self.order: deque[Edge] = deque()  # arrival order over all input edges; as long as their queues together
        self.wake: Callable[[Cell], None]  # something waits in `order`
        self.pumping = False  # a synchronous node gets what waits in the next step of the loop
        # asynchronous nodes
        self.task: asyncio.Task[None] | None = None
        self.context = contextvars.copy_context()
        self.waiter: asyncio.Future[None] | None = None  # the task waits for work
        self.handed: tuple[Coroutine[Any, Any, None], Any, Edge] | None = None  # begun, to be gone on with by the task
        self.current: Frame | None = None  # being processed
        self.begun_s = 0.0  # when the work that was handed over began, by the work log's stopwatch
        self.current_edge: Edge | None = None  # where the last one came from
        self.since = 0  # newest generation when the work in progress began; only where it may begin replies
        self.cutting = False  # the cancellation under way is a cut, not the end
        self.closing = False
        # own tasks and ticks
        self.spawned: dict[asyncio.Task[None], int] = {}  # task -> generation
        self.tickers: list[Callable[[], None]] = []
        # state
        self.restarts: deque[float] = deque(maxlen=1001)
        self.loading, self.restarting, self.failed = True, False, False
        self.error = ""
        # meters
        self.errors = self.slow = 0
        self.counts: dict[str, int] = {}  # what the node counts itself
        self.sent_before = 0  # frames sent before the one in work; only where a stand-in may have to do it again
        self.busy_s = 0.0  # in steps on the loop
        self.waited_s = 0.0  # from where the work on a frame first waited until it was done
        self.times = [0] * BUCKETS  # of that, frame by frame
        self.slowest_s = self.notice_s = 0.0
        self.on_slow = on_slow
        self.others: Others  # set when connected

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def count(self) -> int:
        """Frames taken."""
        return sum(edge.taken for edge in self.ins)

    @property
    def sent(self) -> int:
        """Frames emitted, once per edge."""
        return sum(edge.entered for edge in self.leaving)

    @property
    def busy_ns(self) -> int:
        return int(self.busy_s * 1e9)

    @property
    def slowest_ns(self) -> int:
        return int(self.slowest_s * 1e9)

    @property
    def paused(self) -> bool:
        return self.loading or self.restarting

    @property
    def stand_in(self) -> str | None:
        """Name of the node that took over, if one did."""
        return None if self.running is self.plan else self.running.name

    @property
    def state(self) -> State:
        if self.failed:
            return "failed"
        if self.restarting:
            return "restarting"
        if self.loading:
            return "loading"
        return "busy" if self.current is not None or self.order else "idle"

    @property
    def cancelling(self) -> bool:
        return self.task is not None and self.task.cancelling() > 0

    @property
    def busy(self) -> bool:
        """Something is under way in here."""
        return self.current is not None or bool(self.order or self.spawned) or self.restarting

    def works_for(self, gen: int, trace: int) -> bool:
        """Whether the frame in work belongs to reply `gen`, or brought it about."""
        frame = self.current
        if frame is None:
            return False
        return frame.gen == gen or (type(self.node).replies and gen > self.since and frame.trace == trace)

    def deliver(self, edge: Edge) -> None:
        """A frame waits on `edge`."""
        self.order.append(edge)
        self.wake(self)

    def forget(self, edge: Edge) -> None:
        """The oldest frame of `edge` was dropped: so is its place in the order."""
        self.order.remove(edge)

    def book(self, began: float, others_s: float) -> None:
        """Book a step that began at `began`, when `others.drained_s` was `others_s`."""
        seconds = busy_s() - began - (self.others.drained_s - others_s)
        self.busy_s += seconds
        if seconds > self.notice_s:
            self.notice(seconds)

    def booked(self) -> Booked:
        """`with cell.booked():` books a step of this node, without what it set off in others."""
        return Booked(self)

    def notice(self, seconds: float) -> None:
        """A step took longer than any before, or than `SLOW_S`."""
        self.slowest_s = max(self.slowest_s, seconds)
        self.notice_s = min(self.slowest_s, SLOW_S)
        if seconds > SLOW_S:
            self.slow += 1
            self.on_slow(self, seconds)


class Booked:
    """See `Cell.booked`."""

    __slots__ = ("began", "cell", "others_s")

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.others_s = cell.others.drained_s
        self.began = busy_s()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self.cell.book(self.began, self.others_s)

"""A running node: the instance, its mailbox, its state and its meters."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Literal

from vaidol.graph.edges import Edge
from vaidol.graph.frames import Frame
from vaidol.graph.node import Node
from vaidol.graph.plan import PlanNode

State = Literal["loading", "idle", "busy", "restarting", "failed", "closed"]


class Cell:
    """The place of one node in a running graph; the node inside may be replaced (restart, fallback, swap)."""

    __slots__ = (
        "busy_ns", "count", "current", "cutting", "error", "failed", "ins", "loading", "node", "order", "outs", "plan",
        "restarting", "restarts", "sent", "slow", "slowest_ns", "spawned", "stand_in", "task", "waiter",
    )  # fmt: skip

    def __init__(self, plan: PlanNode) -> None:
        self.plan = plan
        self.node: Node[Any]  # set when built
        self.ins: list[Edge] = []
        self.outs: dict[str, tuple[Edge, ...]] = {}
        self.order: deque[Edge] = deque()  # arrival order over all input edges; as long as their queues together
        self.waiter: asyncio.Future[None] | None = None
        self.task: asyncio.Task[None] | None = None
        self.current: Frame | None = None  # being processed by an asynchronous node
        self.cutting = False  # the cancel under way is a cut, not the end
        self.spawned: dict[asyncio.Task[None], int] = {}  # task -> generation
        self.stand_in: str | None = None
        self.restarts: deque[float] = deque(maxlen=1001)
        self.loading, self.restarting, self.failed = True, False, False
        self.error = ""
        self.count = self.busy_ns = self.slowest_ns = self.slow = self.sent = 0

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def state(self) -> State:
        if self.failed:
            return "failed"
        if self.restarting:
            return "restarting"
        if self.loading:
            return "loading"
        return "busy" if self.current is not None or self.order else "idle"

    def deliver(self, edge: Edge) -> None:
        """A frame waits on `edge`: wake the node's task."""
        self.order.append(edge)
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def forget(self, edge: Edge) -> None:
        """The oldest frame of `edge` was dropped: so is its place in the order."""
        self.order.remove(edge)

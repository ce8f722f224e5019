"""A running edge: its queue, its bound, its counters."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from vaidol.graph.clock import busy_s
from vaidol.graph.errors import Overrun
from vaidol.graph.frames import Frame
from vaidol.graph.histogram import BUCKETS, bucket, quantile_us
from vaidol.graph.plan import ALARM, HARD_LIMIT, PlanEdge

if TYPE_CHECKING:
    from vaidol.graph.cell import Cell


class Edge:
    """One edge of a running graph.

    A frame goes straight into a synchronous node (`direct`); for an asynchronous or paused one, and on the way back of
    a cycle, it queues within the bound. Between two steps `entered = taken + dropped + stale + len(queue)`.
    """

    __slots__ = (
        "bound", "bound_ms", "deliver", "depth_ms", "direct", "dropped", "eager", "entered", "fenced", "high", "lossy",
        "plan", "port", "queue", "reach_alarm", "room", "stale", "taken", "target", "waits",
    )  # fmt: skip

    def __init__(self, plan: PlanEdge, target: Cell, reach_alarm: Callable[[Edge], None]) -> None:
        self.plan = plan
        self.target = target
        self.port = plan.target_port
        self.fenced = plan.fenced
        self.direct = self.eager = False  # see `open`
        self.deliver: Callable[[Edge], None] = target.deliver
        self.lossy = plan.policy in ("drop_oldest", "latest")
        self.bound, self.bound_ms = plan.bound, plan.bound_ms
        self.queue: deque[tuple[Frame, float]] = deque()  # bounded in `put`
        self.depth_ms = 0.0
        self.entered = self.taken = self.dropped = self.stale = self.high = 0
        self.waits = [0] * BUCKETS
        self.room: asyncio.Event | None = None  # exists while a sender waits
        self.reach_alarm = reach_alarm

    def follow(self, plan: PlanEdge, target: Cell) -> None:
        """Be this edge of a changed plan from now on, into `target`; what waits in it goes on waiting."""
        self.plan, self.target, self.port = plan, target, plan.target_port
        self.fenced = plan.fenced
        self.deliver = target.deliver
        self.lossy = plan.policy in ("drop_oldest", "latest")
        self.bound, self.bound_ms = plan.bound, plan.bound_ms
        self.depth_ms = sum(frame.ms for frame, _ in self.queue) if self.bound_ms else 0.0
        self.let_in()

    def trim(self) -> None:
        """Drop what waits beyond the bound, after that has changed."""
        while self.lossy and len(self.queue) > 1 and self._overflows:
            self._drop_oldest()

    def take_over(self, other: Edge) -> None:
        """Go on where `other` was: with its counters, and with what waits in it."""
        self.entered, self.taken, self.dropped, self.stale = other.entered, other.taken, other.dropped, other.stale
        self.high, self.waits = other.high, other.waits
        self.queue.extend(other.queue)
        other.queue.clear()
        other.let_in()

    def let_in(self) -> None:
        """Let a waiting sender go on, if there is room."""
        if self.room is not None and not self.full:
            self.room.set()

    def open(self) -> None:
        """Let frames go straight into the target, where that is possible at all.

        A circle of nodes that never wait would turn for ever: on its way back a frame takes a step of its own.
        """
        straight = not self.plan.feedback and not self.plan.gated
        self.direct = straight and not self.target.plan.asynchronous
        self.eager = straight and self.target.plan.asynchronous

    def shut(self) -> None:
        """Let every frame queue."""
        self.direct = self.eager = False

    @property
    def full(self) -> bool:
        return self.depth_ms >= self.bound_ms if self.bound_ms else len(self.queue) >= self.bound

    def put(self, frame: Frame) -> None:
        """Queue `frame` for the target, by this edge's policy. Raises `Overrun` where that allows no loss."""
        if self.lossy:
            while self.queue and self._would_overflow(frame):
                self._drop_oldest()
        elif len(self.queue) >= ALARM:
            self.reach_alarm(self)
            if len(self.queue) >= HARD_LIMIT:
                self.dropped += 1
                raise Overrun(f"edge {self.plan.name} holds {HARD_LIMIT} frames, and none may be dropped")
        queue = self.queue
        queue.append((frame, busy_s()))
        if self.bound_ms:
            self.depth_ms += frame.ms
        self.high = max(self.high, len(queue))
        self.deliver(self)

    def take(self) -> Frame:
        """The oldest frame; lets a waiting sender go on when there is room again."""
        frame, since = self.queue.popleft()
        self.taken += 1
        self.waits[bucket(busy_s() - since)] += 1
        self._shrunk(frame)
        return frame

    def untake(self, frame: Frame) -> None:
        """Put back what was taken last: the node that had it failed, and another one will work on it."""
        self.taken -= 1
        self.queue.appendleft((frame, busy_s()))
        if self.bound_ms:
            self.depth_ms += frame.ms
        self.target.order.appendleft(self)

    async def wait_for_room(self) -> None:
        while self.full:
            if self.room is None or self.room.is_set():
                self.room = asyncio.Event()
            await self.room.wait()

    def wait_us(self, share: float) -> float:
        """Upper bound of the `share` quantile (0.5, 0.99) of queueing time, us; 0 when that share never queued."""
        return quantile_us(self.waits, share, at_once=max(0, self.taken - sum(self.waits)))

    def _shrunk(self, frame: Frame) -> None:
        """`frame` left the queue."""
        if self.bound_ms:
            self.depth_ms = self.depth_ms - frame.ms if self.queue else 0.0
        self.let_in()

    @property
    def _overflows(self) -> bool:
        return self.depth_ms > self.bound_ms if self.bound_ms else len(self.queue) > self.bound

    def _would_overflow(self, frame: Frame) -> bool:
        if self.bound_ms:
            return self.depth_ms + frame.ms > self.bound_ms or len(self.queue) >= HARD_LIMIT  # empty frames last 0 ms
        return len(self.queue) >= self.bound

    def _drop_oldest(self) -> None:
        frame, _ = self.queue.popleft()
        self.dropped += 1
        if self.bound_ms:
            self.depth_ms -= frame.ms
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        self.target.forget(self)

"""An edge into a node with effects: what belongs to a speculative reply waits in it until that reply is committed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vaidol.graph.edges import Edge
from vaidol.graph.generations import DEAD, SPECULATIVE, Fence
from vaidol.graph.plan import PlanEdge

if TYPE_CHECKING:
    from vaidol.graph.cell import Cell


class GatedEdge(Edge):
    """FIFO as every edge: what comes behind a waiting frame waits with it.

    A frame whose generation died without a commit is dropped as stale. One whose generation was committed and cut
    afterwards goes through, unless the edge is fenced.
    """

    __slots__ = ("_fence", "_held")

    def __init__(self, plan: PlanEdge, target: Cell, reach_alarm: Callable[[Edge], None], fence: Fence) -> None:
        super().__init__(plan, target, reach_alarm)
        self._fence = fence
        self._held = 0  # so many of the newest frames in the queue, which the target does not know of
        self.deliver = self._hold

    def follow(self, plan: PlanEdge, target: Cell) -> None:
        super().follow(plan, target)
        self.deliver = self._hold

    @property
    def held(self) -> int:
        """So many of the newest frames wait for a commit."""
        return self._held

    def hold_all(self) -> None:
        """The target knows of nothing in the queue."""
        self._held = len(self.queue)

    def release(self) -> None:
        """Let go of what need not wait any longer; called after every commit and cut."""
        fence, queue = self._fence, self.queue
        while self._held:
            at = len(queue) - self._held
            frame = queue[at][0]
            if fence.life[frame.gen] == SPECULATIVE:
                return
            self._held -= 1
            if fence.life[frame.gen] == DEAD and not fence.committed[frame.gen]:
                del queue[at]
                self.stale += 1
                self._shrunk(frame)
            else:
                self.target.deliver(self)

    def _hold(self, _: Edge) -> None:
        self._held += 1
        self.release()

    def _forget_oldest(self) -> None:
        if self._held > len(self.queue):  # the dropped one was the first of those that wait
            self._held -= 1
        else:
            super()._forget_oldest()

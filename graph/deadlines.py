"""How long a reply may be silent: one without sound in time, or on which nobody works any more, has failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from vaidol.graph.generations import Turn

if TYPE_CHECKING:
    from vaidol.graph.scheduler import Graph


class Deadlines:
    """A timer for each reply under way, so that nobody waits for ever."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._timers: dict[int, asyncio.TimerHandle] = {}  # by generation

    def watch(self, turn: Turn) -> None:
        """A reply begins."""
        graph = self._graph
        limit_s = graph.plan.turn.first_audio_ms / 1000

        def check(before: int) -> None:
            if turn.status is not None:
                self.forget(turn.gen)
                return
            now = sum(cell.sent + cell.count for cell in graph.cells.values() if cell.plan.lane == "reply")
            if turn.spoke and (graph.fence.held or now != before):
                self._timers[turn.gen] = graph.clock.at(graph.clock.s() + limit_s, lambda: check(now))
                return
            message = f"no answer within {limit_s:g} s" if not turn.spoke else f"the answer stopped for {limit_s:g} s"
            graph.events.publish("error", gen=turn.gen, text=message, code="deadline")
            graph.fence.fail(turn.gen, message)

        self._timers[turn.gen] = graph.clock.at(graph.clock.s() + limit_s, lambda: check(-1))

    def forget(self, gen: int) -> None:
        """The reply is over."""
        timer = self._timers.pop(gen, None)
        if timer is not None:
            timer.cancel()

    def stop(self) -> None:
        """No more deadlines."""
        for timer in self._timers.values():
            timer.cancel()

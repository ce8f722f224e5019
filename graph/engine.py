"""What one process shares between all its sessions: clock, ticker, threads, loaded models, node kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from vaidol.graph.away import running_kind
from vaidol.graph.clock import Clock
from vaidol.graph.hosts import host, placed
from vaidol.graph.node import Need, Node
from vaidol.graph.plan import Plan, PlanNode
from vaidol.graph.registry import Registry
from vaidol.graph.ticker import Ticker
from vaidol.graph.watchdog import Watchdog
from vaidol.graph.workers import Shared, Workers


class Engine:
    """Built inside a running event loop, closed by `close`."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.clock = Clock(asyncio.get_running_loop())
        self.ticker = Ticker(self.clock)
        self.workers = Workers(self.clock)
        self.shared = Shared(self.workers, partial(host, self.workers, self.clock))
        self.costs_s: Mapping[str, float] = {}  # by node: what one of its calls to a thread takes on virtual time, s
        self._watchdog: Watchdog | None = None

    def watch(self) -> None:
        """Have a thread watch the event loop from now on; there is nothing to watch on virtual time."""
        if self._watchdog is None and not self.clock.virtual:
            self._watchdog = Watchdog(asyncio.get_running_loop())

    @property
    def hung(self) -> int:
        """How often the event loop stood still."""
        return self._watchdog.hung if self._watchdog else 0

    def kind(self, plan: PlanNode) -> type[Node[Any]]:
        """The class that runs in this process for a node: its kind, or what speaks for it with a worker process."""
        return running_kind(self.registry.find(plan.kind), plan)

    def needs(self, plan: Plan) -> dict[str, tuple[Need, ...]]:
        """What each node of `plan` must have loaded, by node name; nodes that need nothing are left out."""
        found = {node.name: placed(self.kind(node), node.settings, node.place) for node in plan.nodes}
        return {name: needs for name, needs in found.items() if needs}

    def close(self) -> None:
        if self._watchdog is not None:
            self._watchdog.close()
            self._watchdog = None
        self.shared.close()
        self.workers.close()

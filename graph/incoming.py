"""The nodes that come with a change: built, loaded and opened beside the graph, where nothing they emit is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vaidol.graph.cell import Cell
from vaidol.graph.diff import Diff, placed
from vaidol.graph.hosts import placed as needs_of
from vaidol.graph.plan import Plan, PlanNode
from vaidol.graph.supervisor import OPEN_S, explain
from vaidol.graph.tasks import Steps
from vaidol.graph.wiring import retire

if TYPE_CHECKING:
    from vaidol.graph.scheduler import Graph

LOAD_S = 600.0  # a model that has to be loaded for a change is there by then


class SwapFailed(Exception):
    """A change could not be made; the graph is as it was. The message says why, for people."""


class _Trial:
    """`with _Trial(name):` makes of any failure of a new node a `SwapFailed`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, Exception) and not isinstance(error, SwapFailed):
            said = explain(self._name, error)[0]
            raise SwapFailed(said if said.startswith(self._name) else f"{self._name}: {said}") from error


class Incoming:
    """The new nodes of one change, and the places they come to."""

    def __init__(self, graph: Graph, plan: Plan, diff: Diff) -> None:
        self._graph = graph
        self._plan = plan
        self._wanted = {name: placed(plan)[name] for name in self._names(diff)}
        gone = [graph.cells[name] for name in diff.removed]
        self.outgoing = [cell for name in self._wanted if (cell := graph.cells.get(name))] + gone
        self.cells: dict[str, Cell] = {}  # the new ones
        self._held: list[Cell] = []
        self._closed: list[Cell] = []  # those of `outgoing` that had to make room
        self._states: dict[str, dict[str, Any]] = {}  # by node: what those exported

    def _names(self, diff: Diff) -> list[str]:
        """The nodes to be built: new ones, other ones, and those whose present stand-in is another one now."""
        known = {node.name: node for node in self._plan.nodes}
        names = dict.fromkeys((*diff.added, *(one.node for one in diff.replaced)))
        for name, cell in self._graph.cells.items():
            if name not in diff.removed and cell.stand_in and known.get(cell.stand_in) != cell.running:
                names[name] = None
        return list(names)

    async def warm(self) -> None:
        """Load what all need, and open those that do not mind another one beside them. Raises `SwapFailed`."""
        await self._all(self._load(node) for node in (*self._wanted.values(), *self._stand_ins()))
        await self._all(self._opened(node) for node in self._wanted.values() if not self._alone(node))

    async def replace_those_alone(self) -> None:
        """Close the old ones of those that cannot be there twice, and open the new ones. Raises `SwapFailed`."""
        alone = [node for node in self._wanted.values() if self._alone(node)]
        graph = self._graph
        for cell in self.outgoing:
            if self._alone(cell.running) or cell.name in {node.name for node in alone}:
                self.hold([cell])
                self._states[cell.name] = cell.node.export_state()
                self._closed.append(cell)
                await graph.supervisor.close(cell)
        for node in alone:
            await self._opened(node)

    def check(self) -> None:
        """Raises `SwapFailed` when one has failed since it was opened."""
        if self._graph.stopping:
            raise SwapFailed("the session ended")
        for cell in self.cells.values():
            if cell.errors:
                raise SwapFailed(f"{cell.name}: {cell.error}")

    def carry(self) -> None:
        """Hand over the state of every node to the one of the same room in its place. Raises `SwapFailed`."""
        for name, cell in self.cells.items():
            old = self._graph.cells.get(name)
            if old is not None and _room(old.running) == _room(cell.running):
                with _Trial(name):
                    cell.node.import_state(self._states.get(name) or old.node.export_state())

    def hold(self, cells: Iterable[Cell]) -> list[Cell]:
        """Let what comes to `cells` wait. Returns them."""
        for cell in cells:
            if not cell.paused and not cell.failed:
                cell.restarting = True
                self._graph.flow.pause(cell)
                self._held.append(cell)
        return self._held

    def let_go(self) -> None:
        """Nothing is held any more."""
        for cell in self._held:
            cell.restarting = False
        self._held.clear()

    async def give_up(self) -> None:
        """Throw the new nodes away, and let the old ones go on."""
        graph = self._graph
        for cell in self.cells.values():
            cell.closing = True
            retire(cell)
            graph.untick(cell)
            for task in tuple(cell.spawned):
                task.cancel()
            await graph.close(cell)
        held = tuple(self._held)
        self.let_go()
        for cell in held:
            if graph.stopping:
                return
            if cell in self._closed:
                graph.place(cell, cell.running)
                await graph.supervisor.start(cell)
                cell.node.import_state(self._states[cell.name])
                graph.start_source(cell)
            else:
                graph.flow.proceed(cell)

    async def _load(self, node: PlanNode) -> None:
        engine = self._graph.engine
        with _Trial(node.name):
            for need in needs_of(engine.kind(node), node.settings, node.place):
                async with asyncio.timeout(LOAD_S):
                    await engine.shared.get(need)

    async def _opened(self, node: PlanNode) -> None:
        graph = self._graph
        cell = graph.cell(node)
        with _Trial(node.name):
            graph.build(cell, node)
            self.cells[node.name] = cell
            async with asyncio.timeout(OPEN_S):
                await Steps(cell, cell.node.open())

    async def _all(self, works: Iterable[Any]) -> None:
        """Do all side by side; then raise what the first one raised."""
        for outcome in await asyncio.gather(*works, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    def _stand_ins(self) -> list[PlanNode]:
        """The nodes of the new plan that only stand in; loaded, so that they can when they must."""
        there = placed(self._plan)
        return [node for node in self._plan.nodes if node.name not in there and node not in self._graph.plan.nodes]

    def _alone(self, node: PlanNode) -> bool:
        kind = self._graph.engine.kind(node)
        return kind.alone or kind.paces


def _room(node: PlanNode) -> str:
    return node.kind.partition(".")[0]

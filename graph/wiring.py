"""What a node has to send with: its `emit` and `send`, and the step that its frames take."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from vaidol.graph.cell import Cell
from vaidol.graph.edges import Edge
from vaidol.graph.flow import Flow
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.taps import Taps
from vaidol.graph.workers import Workers


class Wiring:
    """Connects the nodes of one session to the edges that leave them."""

    def __init__(self, edges: list[Edge], life: bytearray, flow: Flow, workers: Workers, taps: Taps) -> None:
        self._flow = flow
        self._taps = taps
        self._life = life
        self._workers = workers
        self._version = 0
        self.edges(edges)
        self._loop = asyncio.get_running_loop()

    def edges(self, edges: list[Edge]) -> None:
        """From now on these are the edges; every cell is to be linked anew."""
        self._version += 1
        self._leaving: dict[str, list[Edge]] = defaultdict(list)  # by source node
        for edge in edges:
            self._leaving[edge.plan.source].append(edge)

    def link(self, cell: Cell) -> None:
        """Let what the node in `cell` emits go into the edges that leave it, and to those who tap them."""
        cell.leaving = edges = self._leaving[cell.name]
        for port in cell.outs:  # the node's `emit` knows this very dict
            cell.outs[port] = tuple(e for e in edges if e.plan.source_port == port)
        self._taps.attach(cell)

    def equip(self, cell: Cell, pool: str) -> None:
        """Give the node in `cell` its `emit` and `send`, which lead nowhere yet. `pool`: its thread, if it has one."""
        cell.others = self._flow
        _, ports = type(cell.node).ports(cell.node.settings)
        cell.outs = {port.name: () for port in ports}
        emit = self._emitter(cell)
        cell.node.send = self._sender(cell)
        cell.node.emit = emit
        if cell.running.place == "thread" and not type(cell.node).is_async():
            cell.node.emit = self._from_any_thread(emit)
            cell.step = self._on_thread(cell, pool)
        elif cell.plan.asynchronous and not type(cell.node).is_async():
            cell.step = _awaited(cell.node.process)
        else:
            cell.step = cell.node.process
        again = cell.plan.asynchronous and any(edge.plan.frame is not Audio for edge in cell.ins)  # see `Swaps`
        if again or cell.running.fallback is not None or type(cell.node).replies:
            cell.step = self._remembering(cell, cell.step)

    def _emitter(self, cell: Cell) -> Callable[[str, Frame], None]:
        flow, outs = self._flow, cell.outs
        ready, drain = flow.ready, flow.drain

        def emit(port: str, frame: Frame) -> None:
            for edge in outs[port]:
                edge.entered += 1
                ready.append((edge, frame))
            if ready and not flow.draining:
                drain()

        return emit

    def _sender(self, cell: Cell) -> Callable[[str, Frame], Awaitable[None]]:
        blocking: dict[str, list[Edge]] = {}
        version = 0

        async def send(port: str, frame: Frame) -> None:
            nonlocal version
            if version != self._version:
                version = self._version
                blocking.clear()
            if port not in blocking:
                blocking[port] = self._blocking_behind(cell.name, port)
            for edge in blocking[port]:
                if edge.full:
                    await edge.wait_for_room()
            cell.node.emit(port, frame)

        return send

    def _blocking_behind(self, name: str, port: str | None = None) -> list[Edge]:
        """The blocking edges that a frame of node `name` reaches without passing an asynchronous node."""
        found: list[Edge] = []
        todo, seen = [e for e in self._leaving[name] if port is None or e.plan.source_port == port], set()
        while todo:
            edge = todo.pop()
            if edge.plan.name in seen or edge.plan.feedback:
                continue
            seen.add(edge.plan.name)
            if edge.target.plan.asynchronous:
                found += [edge] if edge.plan.policy == "block" else []
            else:
                todo += self._leaving[edge.plan.target]
        return found

    def _from_any_thread(self, emit: Callable[[str, Frame], None]) -> Callable[[str, Frame], None]:
        """What a node on a thread emits there leaves on the loop, in order and as soon as it can."""
        loop, here = self._loop, threading.get_ident()

        def emit_from_any_thread(port: str, frame: Frame) -> None:
            if threading.get_ident() == here:
                emit(port, frame)
            else:
                loop.call_soon_threadsafe(emit, port, frame)

        return emit_from_any_thread

    def _on_thread(self, cell: Cell, pool: str) -> Callable[[str, Frame], Awaitable[None]]:
        node, workers = cell.node, self._workers
        blocking: list[Edge] = []
        version = 0

        async def step(port: str, frame: Frame) -> None:
            nonlocal version, blocking
            await workers.call(pool, node.process, port, frame)
            if version != self._version:
                version, blocking = self._version, self._blocking_behind(cell.name)
            for edge in blocking:
                if edge.full:
                    await edge.wait_for_room()

        return step

    def _remembering(self, cell: Cell, step: Callable[[str, Frame], Any]) -> Callable[[str, Frame], Any]:
        """A step that notes what had been sent, and which replies begun, before it: to do it again, or to end them."""
        life = self._life

        def remembering(port: str, frame: Frame) -> Any:
            cell.sent_before = cell.sent
            cell.since = len(life) - 1
            return step(port, frame)

        return remembering


def _awaited(process: Callable[[str, Frame], None]) -> Callable[[str, Frame], Awaitable[None]]:
    """A synchronous stand-in of an asynchronous node."""

    async def step(port: str, frame: Frame) -> None:
        process(port, frame)

    return step


def retire(cell: Cell) -> None:
    """What the node in `cell` still emits goes nowhere from now on."""
    for port in cell.outs:
        cell.outs[port] = ()

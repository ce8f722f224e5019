"""A server in a process of its own to be inspected: calls with instant models, or one call of fifty nodes."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from aiohttp import web

from vaidol.graph.compiler import compile_plan
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.spec import from_dict
from vaidol.server.app import Options, create_app
from vaidol.tests.bench import _instant


class Through(Node[Settings]):
    """bench.through: hands audio on."""

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)

    def process(self, port: str, frame: Frame) -> None:
        self.emit("audio", frame)


def wide(nodes: int) -> dict[str, Any]:
    """An echo with rows of pass-through nodes behind the microphone, `nodes` in all."""
    built: dict[str, Any] = {"mic": {"use": "webrtc.in"}, "out": {"use": "webrtc.out"}, "page": {"use": "webrtc.data"}}
    edges = ["mic.audio -> out.audio", "out.spoken -> page.spoken"]
    while len(built) < nodes:
        row, column = divmod(len(built) - 3, 8)
        before = f"row{row}_{column - 1}.audio" if column else "mic.audio"
        built[f"row{row}_{column}"] = {"use": "bench.through"}
        edges.append(f"{before} -> row{row}_{column}.audio")
    return {"version": 1, "name": f"{nodes} nodes", "nodes": built, "edges": edges}


def made(what: str) -> web.Application:
    kinds = Registry("vaidol.nodes", extra={**_instant.EXTRA, "bench.through": Through})
    pipeline = wide(50) if what == "wide" else _instant.pipeline(use="turn.silence")
    return create_app(compile_plan(from_dict(pipeline), kinds), kinds, Options(max_sessions=100))


async def _serve(what: str) -> None:
    runner = web.AppRunner(made(what), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))

"""`vaidol worker`: keeps nodes that cores elsewhere place here (`place: remote(HOST:PORT)`)."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from typing import Any

from vaidol.server.cli import listening, logs
from vaidol.server.cli.wrong import Wrong
from vaidol.server.networks import is_loopback

PORT = 12395
TOKEN = "VAIDOL_WORKER_TOKEN"


def add(commands: Any) -> argparse.ArgumentParser:
    about = "keep nodes of pipelines that run elsewhere"
    command: argparse.ArgumentParser = commands.add_parser(
        "worker",
        help=about,
        description=about.capitalize() + ": a pipeline there says `place: remote(HOST:PORT)`.",
    )
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    command.add_argument("--port", type=int, default=PORT, help=f"port to listen on (default: {PORT}; 0 = any)")
    command.add_argument(
        "--token",
        default=os.environ.get(TOKEN, ""),
        help=f"what cores must know, in their {TOKEN} (or set that here)",
    )
    command.add_argument("--verbose", action="store_true", help="log more")
    return command


def run(arguments: argparse.Namespace) -> int:
    if not is_loopback(arguments.host) and not arguments.token:
        raise Wrong(f"listening on {arguments.host} lets others in: give --token or set {TOKEN}, or leave --host out")
    if not 0 <= arguments.port <= 65_535:
        raise Wrong(f"--port must be from 0 to 65535, not {arguments.port}")
    logs.to_stderr(verbose=arguments.verbose)
    from vaidol.server import loop

    with listening.listen(arguments.host, arguments.port) as listener:
        loop.run(_serve(listener, arguments.token))
    return 0


async def _serve(listener: Any, token: str) -> None:
    from vaidol.graph.engine import Engine
    from vaidol.graph.station import Station
    from vaidol.nodes import registry

    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    engine = Engine(registry())
    station = Station(engine, token)
    server = await asyncio.start_server(station.serve, sock=listener)
    try:
        host, port = listener.getsockname()[:2]
        print(f"vaidol worker is at {host}:{port}   end with Ctrl-C", flush=True)
        await stop.wait()
    finally:
        server.close()
        await station.close()
        engine.close()

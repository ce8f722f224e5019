"""`vaidol serve`: the server people talk to. Opens the door first; everything heavy is imported behind it."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ssl import SSLContext
from typing import TYPE_CHECKING, Any

from vaidol.server import folders, loop
from vaidol.server.cli import keeping, logs, outside, pipeline
from vaidol.server.cli.wrong import Wrong
from vaidol.server.door import Door
from vaidol.server.networks import is_loopback

if TYPE_CHECKING:
    from vaidol.server.cli.starting import Ready

PORT = 12393
BACKLOG = 128


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "serve", help="serve the page and the calls", description="Serve the page and the calls."
    )
    command.add_argument("pipeline", nargs="?", default="default", help=f"{pipeline.HELP} (default: default)")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    command.add_argument("--port", type=int, default=PORT, help=f"port to listen on (default: {PORT}; 0 = any)")
    command.add_argument("--max-sessions", type=int, default=8, metavar="N", help="calls at one time (default: 8)")
    command.add_argument(
        "--token", default=os.environ.get("VAIDOL_TOKEN", ""), help="what clients must know (or set VAIDOL_TOKEN)"
    )
    command.add_argument(
        "--stun", action="append", default=[], metavar="stun:HOST:PORT", help="ask for the own address"
    )
    command.add_argument(
        "--backgrounds", type=Path, metavar="DIR", help="pictures for clients of /client-ws (served at /bg)"
    )
    command.add_argument(
        "--live2d-models",
        action="append",
        type=Path,
        metavar="DIR",
        help=f"folder with your Live2D models, repeatable (default: {' and '.join(map(str, folders.LIVE2D))})",
    )
    command.add_argument(
        "--live2d-runtime", type=Path, metavar="DIR", help="folder with PixiJS, pixi-live2d-display and Live2D's core"
    )
    command.add_argument(
        "--avatar", default="", metavar="MODEL", help="Live2D model to begin with (default: the puppet)"
    )
    command.add_argument(
        "--watch", action="store_true", help="let edits of the pipeline's file take effect at once, in calls as well"
    )
    command.add_argument(
        "--history",
        type=Path,
        metavar="FILE",
        help="keep what is said, by user, in this SQLite file (default: nowhere)",
    )
    command.add_argument(
        "--personas",
        type=Path,
        metavar="DIR",
        help="folder with your persona files, offered beside those that ship",
    )
    outside.add(command)
    keeping.add(command)
    command.add_argument("--verbose", action="store_true", help="log more")
    return command


def run(arguments: argparse.Namespace) -> int:
    if not is_loopback(arguments.host) and not arguments.token:
        raise Wrong(
            f"listening on {arguments.host} lets others in: give --token or set VAIDOL_TOKEN, or leave --host out"
        )
    if not 0 <= arguments.port <= 65_535:
        raise Wrong(f"--port must be from 0 to 65535, not {arguments.port}")
    if arguments.max_sessions < 1:
        raise Wrong("--max-sessions must be at least 1")
    wrong = next((address for address in arguments.stun if not address.startswith("stun:")), None)
    if wrong is not None:
        raise Wrong(f"--stun wants stun:HOST:PORT, not {wrong!r}")
    _folders(arguments)
    tls = outside.tls(arguments)
    pipeline.find(arguments.pipeline)
    logs.to_stderr(verbose=arguments.verbose)
    with _listen(arguments.host, arguments.port) as listener:
        loop.run(_serve(arguments, listener, tls))
    return 0


def _folders(arguments: argparse.Namespace) -> None:
    """Those that are named must be there. Raises `Wrong`."""
    live2d = [*(arguments.live2d_models or ()), *filter(None, [arguments.live2d_runtime])]
    missing = next((folder for folder in live2d if not folder.expanduser().is_dir()), None)
    if missing is not None:
        raise Wrong(f"{missing}: there is no such folder")
    for name in ("backgrounds", "personas"):
        folder = getattr(arguments, name)
        if folder is not None and not folder.expanduser().is_dir():
            raise Wrong(f"--{name}: there is no folder {folder}")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise Wrong(f"cannot listen on {host}:{port}: {error}") from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Wrong(f"port {port} is in use: is vaidol running already? Choose another with --port") from None
        raise Wrong(f"cannot listen on {host}:{port}: {error}") from None
    return listener


async def _serve(arguments: argparse.Namespace, listener: socket.socket, tls: SSLContext | None) -> None:
    running, stop, door = asyncio.get_running_loop(), asyncio.Event(), Door()
    for name in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(name, stop.set)
    listening = await running.create_server(door, sock=listener, backlog=BACKLOG, ssl=tls)
    try:
        ready = await _ready(arguments, stop)
        if ready is not None:
            where = _address(listener, tls)
            await ready.serve(door, where, stop)
    finally:
        listening.close()


async def _ready(arguments: argparse.Namespace, stop: asyncio.Event) -> Ready | None:
    """Import and check everything on a thread; None: it shall stop before that is done. Raises `PipelineError`,
    `Wrong`."""

    def start() -> Ready:
        from vaidol.server.cli.starting import prepared

        return prepared(arguments)

    thread = ThreadPoolExecutor(1, thread_name_prefix="vaidol-start")  # named so that `_finish` does not wait for it
    try:
        starting = asyncio.get_running_loop().run_in_executor(thread, start)
        stopping = asyncio.ensure_future(stop.wait())
        done, _ = await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        return starting.result() if starting in done else None
    finally:
        thread.shutdown(wait=False)


def _address(listener: socket.socket, tls: SSLContext | None) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{port}/"

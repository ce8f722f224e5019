"""Where a server of ours listens, whom it lets in, and its door, which is open before anything heavy is imported."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ssl import SSLContext
from typing import Protocol

from vaidol.server import loop
from vaidol.server.cli import outside
from vaidol.server.cli.wrong import Wrong
from vaidol.server.door import Door, Stop
from vaidol.server.networks import is_loopback

BACKLOG = 128


class Ready(Protocol):
    """What is behind the door once everything is imported and checked."""

    async def serve(self, door: Door, where: str, stop: Stop) -> None:
        """Answer those who come through `door`, known to them as `where`, until `stop`."""


def add(command: argparse.ArgumentParser, port: int) -> None:
    """The options; `port`: the usual one."""
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    command.add_argument("--port", type=int, default=port, help=f"port to listen on (default: {port}; 0 = any)")
    command.add_argument(
        "--token", default=os.environ.get("VAIDOL_TOKEN", ""), help="what clients must know (or set VAIDOL_TOKEN)"
    )
    outside.add(command)


def checked(arguments: argparse.Namespace) -> SSLContext | None:
    """What https needs, if anything. Raises `Wrong` where the options do not go together."""
    if not is_loopback(arguments.host) and not arguments.token:
        raise Wrong(
            f"listening on {arguments.host} lets others in: give --token or set VAIDOL_TOKEN, or leave --host out"
        )
    if not 0 <= arguments.port <= 65_535:
        raise Wrong(f"--port must be from 0 to 65535, not {arguments.port}")
    return outside.tls(arguments)


def run(arguments: argparse.Namespace, tls: SSLContext | None, prepare: Callable[[], Ready]) -> None:
    """Open the door, have everything prepared on a thread, and serve until Ctrl-C or SIGTERM. Raises what `prepare`
    raises, and `Wrong`."""
    with listen(arguments.host, arguments.port) as listener:
        loop.run(_serve(listener, tls, prepare))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises `Wrong`."""
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


async def _serve(listener: socket.socket, tls: SSLContext | None, prepare: Callable[[], Ready]) -> None:
    running, stop, door = asyncio.get_running_loop(), Stop(), Door()
    running.add_signal_handler(signal.SIGINT, stop.now)
    running.add_signal_handler(signal.SIGTERM, stop.gently)
    listening = await running.create_server(door, sock=listener, backlog=BACKLOG, ssl=tls)
    try:
        ready = await _ready(prepare, stop)
        if ready is not None:
            await ready.serve(door, _address(listener, tls), stop)
    finally:
        listening.close()


async def _ready(prepare: Callable[[], Ready], stop: asyncio.Event) -> Ready | None:
    """Prepared on a thread; None: it shall stop before that is done."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="vaidol-start")  # named so that `_finish` does not wait for it
    try:
        starting = asyncio.get_running_loop().run_in_executor(thread, prepare)
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

"""A vaidol server as its user starts it: a process of its own, ended with Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

READY_S = 90.0


@dataclass
class Server:
    """A running server; `log` is where its output goes."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def health(self) -> dict[str, object]:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def interrupt(self) -> float:
        """Ctrl-C; returns the seconds it took to end."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=10)
        return time.perf_counter() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(
    folder: Path,
    *arguments: str,
    command: str = "serve",
    cwd: str = "/",
    port: int = 0,
    ready: bool = True,
    **environment: str,
) -> Iterator[Server]:
    """Start `vaidol serve ARGUMENTS`, or another `command` that serves, and wait until its models are loaded, or else
    only until it answers."""
    port, log = port or free_port(), folder / f"{'server' if command == 'serve' else command}.log"
    whole = [sys.executable, "-m", "vaidol.server.cli", command, *arguments, "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            whole, stdout=out, stderr=subprocess.STDOUT, cwd=cwd, env={**os.environ, **environment}
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        _wait_for(server, {"ok"} if ready else {"ok", "loading"})
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(server: Server, statuses: set[str]) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        if server.process.poll() is not None:
            break
        try:
            if server.health()["status"] in statuses:
                return
        except OSError:
            pass
        time.sleep(0.2)  # a real process over a real socket: there is nothing else to wait on
    raise AssertionError(f"the server is not ready:\n{server.log.read_text()}")

"""The server itself: start, memory, a WebSocket beside bare aiohttp, idle connections, clients that come and die, and a
day of speech that nobody asked for. `vaidol bench soak` is the hour of real calls, `vaidol bench api` schemathesis."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType, WSServerHandshakeError

from vaidol.tests.bench._autonomy import day
from vaidol.tests.e2e.serving import free_port, serving

ROUNDS = 5
FULL_S = 20.0  # patience with a server that says it is busy
HZ = os.sysconf("SC_CLK_TCK")
PING = '{"type":"heartbeat"}'
FILES = 12_000


def main(quick: bool) -> dict[str, Any]:
    """Figures of BENCH.md's `server`, and more."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if hard == resource.RLIM_INFINITY else min(FILES, hard), hard))
    alone = day(2.0 if quick else 24.0)
    starts = [_start_ms() for _ in range(3 if quick else ROUNDS)]
    figures: dict[str, Any] = {
        "autonomous": alone,
        "health_ms": statistics.median(first for first, _ in starts),
        "ready_ms": statistics.median(ready for _, ready in starts),
    }
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "echo", "--max-sessions", "5000") as server:
        figures["rss_mb"] = _kb(server.process.pid, "VmRSS") / 1024
        with _bare() as (bare, bare_pid):
            work = _measure(server.url, server.process.pid, bare, bare_pid, quick)
            figures |= asyncio.run(work)
    return figures


def _start_ms() -> tuple[float, float]:
    """From the start of the process to the first answer, and until it takes calls."""
    port, began = free_port(), time.perf_counter()
    command = [sys.executable, "-m", "vaidol.server.cli", "serve", "echo", "--no-history", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            first = 0.0
            while process.poll() is None:
                with (
                    contextlib.suppress(OSError),
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer,
                ):
                    first = first or (time.perf_counter() - began) * 1000
                    if json.load(answer)["status"] == "ok":
                        return first, (time.perf_counter() - began) * 1000
                time.sleep(0.01)  # a real process over a real socket: there is nothing else to wait on
        finally:
            process.terminate()
    raise RuntimeError("the server ended before it answered")


@contextlib.contextmanager
def _bare() -> Iterator[tuple[str, int]]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "vaidol.tests.bench._bare_echo", str(port)]) as process:
        try:
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()


async def _measure(url: str, pid: int, bare: str, bare_pid: int, quick: bool) -> dict[str, Any]:
    async with ClientSession(connector=TCPConnector(limit=0)) as http:
        figures = await _echo(http, (url, pid), (bare, bare_pid), 2000 if quick else 10_000)
        figures |= await _idle(url, pid, 500 if quick else 5000)
        figures["idle_websockets"] = [
            await _idle_sockets(http, one, its_pid, 50 if quick else 500, greeted=one == url)
            for one, its_pid in ((url, pid), (bare, bare_pid))
        ]
        figures |= await _sessions(http, url, 20 if quick else 50)
        return figures | await _die(http, url, pid, 40 if quick else 200)


async def _echo(http: ClientSession, ours: tuple[str, int], bare: tuple[str, int], count: int) -> dict[str, Any]:
    """CPU time of the server per message and answer, one after the other, beside bare aiohttp in turns."""
    ratios, micros, walls = [], [], []
    async with _joined(http, ours[0]) as a, _joined(http, bare[0], greeted=False) as b:
        for _ in range(ROUNDS):
            cost, wall = await _cost(a, ours[1], count)
            other, other_wall = await _cost(b, bare[1], count)
            ratios.append(cost / other)
            walls.append(wall / other_wall)
            micros.append(cost / count * 1e6)
    told = {"ws_ratio_aiohttp": statistics.median(ratios), "ws_wall_ratio": statistics.median(walls)}
    return {**told, "ws_us": statistics.median(micros)}


async def _cost(socket: ClientWebSocketResponse, pid: int, count: int) -> tuple[float, float]:
    before, began = _cpu_s(pid), time.perf_counter()
    for _ in range(count):
        await socket.send_str(PING)
        await socket.receive()
    return _cpu_s(pid) - before, time.perf_counter() - began


async def _idle(url: str, pid: int, count: int) -> dict[str, Any]:
    """Memory for each connection that has asked once and stays open."""
    host, port = url.removeprefix("http://").split(":")
    before, writers = _kb(pid, "VmRSS"), []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(host, int(port), limit=2**12)
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"}")
        writers.append(writer)
    held = _kb(pid, "VmRSS") - before
    for writer in writers:
        writer.close()
    return {"idle_kb": held / count, "idle_sockets": count}


async def _idle_sockets(http: ClientSession, url: str, pid: int, count: int, *, greeted: bool) -> dict[str, Any]:
    """Memory and processor time for each WebSocket of /client-ws that is open and idle: ours has a session and its
    graph, the bare one has nothing."""
    before = _kb(pid, "VmRSS")
    async with contextlib.AsyncExitStack() as stack:
        for opened in range(count):
            try:
                await stack.enter_async_context(_joined(http, url, greeted=greeted, within_s=5.0))
            except TimeoutError:  # it is full, or has no time for more
                count = opened
                break
        held, cpu, began = _kb(pid, "VmRSS") - before, _cpu_s(pid), time.perf_counter()
        await asyncio.sleep(2.0)
        share = (_cpu_s(pid) - cpu) / (time.perf_counter() - began)
    return {"sockets": count, "kb": held / max(1, count), "core_share_of_each": share / max(1, count)}


async def _sessions(http: ClientSession, url: str, count: int) -> dict[str, Any]:
    """Sessions of /client-ws, opened and closed one after the other."""
    began = time.perf_counter()
    for _ in range(count):
        async with _joined(http, url):
            pass
    return {"connects_per_s": count / (time.perf_counter() - began)}


async def _die(http: ClientSession, url: str, pid: int, count: int) -> dict[str, Any]:
    """Sessions of which every other one is killed without a word; what is left after them."""
    await _empty(http, url)
    before = {name: _kb(pid, name) for name in ("VmRSS", "Threads")} | {"files": _files(pid)}
    for number in range(count):
        async with _joined(http, url) as socket:
            await socket.send_str('{"type":"text-input","text":"hello"}')
            if number % 2:
                connection = socket._response.connection if hasattr(socket, "_response") else None
                if connection is not None and connection.transport is not None:
                    connection.transport.abort()
    await _empty(http, url)
    return {
        "killed": {
            "connects": count, "threads_more": _kb(pid, "Threads") - before["Threads"],
            "files_more": _files(pid) - before["files"], "mb_more": (_kb(pid, "VmRSS") - before["VmRSS"]) / 1024,
        }
    }  # fmt: skip


async def _empty(http: ClientSession, url: str) -> None:
    """Wait until no session is left."""
    async with asyncio.timeout(FULL_S):
        while True:
            async with http.get(f"{url}/health") as answer:
                if (await answer.json())["sessions"] == 0:
                    return
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def _joined(
    http: ClientSession, url: str, *, greeted: bool = True, within_s: float = FULL_S
) -> AsyncIterator[ClientWebSocketResponse]:
    """A client that has been greeted; one that is told to come again does."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                socket = await http.ws_connect(f"{url}/client-ws")
                break
            except (WSServerHandshakeError, OSError):
                await asyncio.sleep(0.05)
        while greeted and (message := await socket.receive()).type is WSMsgType.TEXT:
            if "start-mic" in message.data:
                break
    try:
        yield socket
    finally:
        await socket.close()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / HZ


def _kb(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))

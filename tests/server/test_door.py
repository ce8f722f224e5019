"""The first moments of a server: what answers then, what is not loaded yet, and who waits."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web

from vaidol.server import door
from vaidol.server.door import Door
from vaidol.tests.e2e.serving import free_port

FIRST = {
    "aiohttp",
    "aiortc",
    "av",
    "networkx",
    "numpy",
    "pydantic",
    "yaml",
    "tqdm",
    "vaidol.graph.plan",
    "vaidol.nodes",
}
IDLE = {
    "aiortc", "av", "ctranslate2", "faster_whisper", "hibari", "mcap", "onnxruntime", "openai", "soxr",
    "prometheus_client", "tokenizers", "torch", "xllamacpp", "opentelemetry",
}  # fmt: skip
ASK = """
import os, sys, threading, time, urllib.request
from vaidol.server.cli import main

def ask():
    while True:
        try:
            with urllib.request.urlopen("http://127.0.0.1:PORT/health", timeout=20) as answer:
                told = answer.read()
        except OSError:
            time.sleep(0.01)
            continue
        if WANTED in told:
            break
    print(told.decode(), *sys.modules, sep="\\n", flush=True)
    os._exit(0)

if WANTED == b"starting":
    from vaidol.server.cli import listening
    async def never(*_):
        await __import__("asyncio").Event().wait()
    listening._ready = never
threading.Thread(target=ask).start()
main(["serve", "echo", "--port", "PORT"])
"""


def loaded_when(status: str) -> tuple[dict[str, object], set[str]]:
    """What `/health` says then, and the modules imported."""
    code = ASK.replace("PORT", str(free_port())).replace("WANTED", repr(status.encode()))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    line = done.stdout.index("{")
    told, *modules = done.stdout[line:].splitlines()
    return json.loads(told), set(modules)


def test_nothing_heavy_is_loaded_before_health_answers() -> None:
    told, modules = loaded_when("starting")
    assert told == {"status": "starting"}
    assert modules & FIRST == set()


def test_nothing_heavy_is_loaded_before_a_graph_needs_it() -> None:
    told, modules = loaded_when('"ok"')
    assert told["pipeline"] == "echo"
    assert modules & IDLE == set()
    assert "aiohttp" in modules  # so that the names above are those of modules


@asynccontextmanager
async def opened(made: Door) -> AsyncIterator[int]:
    """A door on a loopback socket; gives its port."""
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def inside() -> AsyncIterator[web.Server]:
    async def hello(request: web.Request) -> web.StreamResponse:
        if request.path == "/socket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.send_str("in")
            return socket
        return web.json_response({"path": request.path, "bytes": len(await request.read())})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    assert runner.server is not None
    try:
        yield runner.server
    finally:
        await runner.cleanup()


def test_health_is_answered_and_all_others_wait_for_the_application() -> None:
    async def main() -> None:
        made = Door()
        async with opened(made) as port, inside() as application, ClientSession() as http:
            url = f"http://127.0.0.1:{port}"
            sent = b"x" * 500_000  # more than is read before
            waiting = [
                asyncio.ensure_future(http.get(f"{url}/")),
                asyncio.ensure_future(http.post(f"{url}/api/say", data=sent)),
                asyncio.ensure_future(http.ws_connect(f"{url}/socket")),
                asyncio.ensure_future(http.post(f"{url}/health")),
            ]
            slow = await asyncio.open_connection("127.0.0.1", port)
            slow[1].write(b"GET /slow HT")
            for _ in range(3):
                async with http.get(f"{url}/health?x") as answer:
                    assert await answer.json() == {"status": "starting"}
            assert not any(one.done() for one in waiting)
            made.open(application)
            page, said, socket, health = await asyncio.wait_for(asyncio.gather(*waiting), 20)
            assert await page.json() == {"path": "/", "bytes": 0}
            assert await said.json() == {"path": "/api/say", "bytes": len(sent)}
            assert await socket.receive_str() == "in"
            assert (await health.json())["path"] == "/health"
            slow[1].write(b"TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b'"path": "/slow"' in await asyncio.wait_for(slow[0].read(), 20)
            async with http.get(f"{url}/health") as answer:
                assert (await answer.json())["path"] == "/health"
            await socket.close()
            slow[1].close()
            await slow[1].wait_closed()

    asyncio.run(main())


def test_a_crowd_at_the_door_is_told_to_come_again() -> None:
    async def main() -> None:
        made, writers = Door(), []

        async def knock(text: bytes) -> asyncio.StreamReader:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(text)
            writers.append(writer)
            return reader

        async with opened(made) as port, inside() as application:
            first = await knock(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            for _ in range(door.WAITING_MAX - 1):
                await knock(b"")
            refused = await asyncio.wait_for((await knock(b"")).read(), 20)
            assert refused.startswith(b"HTTP/1.1 503")
            assert b"Retry-After" in refused
            writers[1].close()
            await writers[1].wait_closed()
            await knock(b"y" * 3 * door.HEAD_MAX)
            writers[-1].close()
            made.open(application)
            assert b'"path": "/"' in await asyncio.wait_for(first.read(), 20)
            for writer in writers:
                writer.close()
            await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)

    asyncio.run(main())

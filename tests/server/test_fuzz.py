"""Random input with a seed: every REST route and `/client-ws` answer with a reason, never with a 500, and live on."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from random import Random
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from vaidol.server.app import SERVER
from vaidol.tests.server.ancestor import DEADLINE_S, KINDS, PIPELINE, joined, loaded
from vaidol.tests.server.client import serving

SEED = 20_251
LEAVES: tuple[object, ...] = (
    None, True, 0, -1, 1e308, 2**70, "", "x" * 300, "\x00", "\ud800", "newest", "../../etc/passwd", "💥", [], {},
)  # fmt: skip
KEYS = ("type", "text", "session", "audio", "nodes", "edges", "active", "prompt", "expression", "group", "file", "id")
TYPES = (
    "text-input", "mic-audio-data", "raw-audio-data", "mic-audio-end", "interrupt-signal", "ai-speak-signal",
    "frontend-playback-complete", "fetch-history-list", "fetch-and-set-history", "switch-config", "heartbeat",
    "add-client-to-group", "fetch-backgrounds", "fly",
)  # fmt: skip
STREAMS = ("/api/events",)  # never end


def value(random: Random, depth: int = 3) -> Any:
    """Some JSON."""
    kind = random.random()
    if depth and kind < 0.3:
        keys = random.sample(KEYS, random.randrange(4))
        return {key: value(random, depth - 1) for key in keys}
    if depth and kind < 0.45:
        return [value(random, depth - 1) for _ in range(random.randrange(4))]
    return random.choice(LEAVES)


def body(random: Random) -> bytes:
    """A body: mostly JSON, sometimes broken, sometimes none at all."""
    kind = random.random()
    if kind < 0.7:
        return json.dumps(value(random)).encode()
    if kind < 0.8:
        return json.dumps(value(random)).encode()[:-1]
    return random.choice((b"", b"[" * 5000, b"{" * 5000, random.randbytes(200), b"NaN", b"a: &a [*a, *a]\n"))


def test_no_route_fails_whatever_it_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    random = Random(SEED)

    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            (session,) = client.app[SERVER].sessions
            routes = [
                (route.method, route.resource.canonical)
                for route in client.app.router.routes()
                if route.method not in ("HEAD", "OPTIONS") and route.resource is not None
            ]
            for _ in range(6):
                for method, path in routes:
                    if path in STREAMS or method == "DELETE":
                        continue
                    name = random.choice((session.id, "none", "%00", "..%2f..", "💥"))
                    address = re.sub(r"\{[^}]*}", name, path)
                    query = {
                        key: random.choice(("", "1", "-1", "x", "\x00")) for key in ("format", "at", "limit", "user")
                    }
                    headers = {"Content-Type": random.choice(("application/json", "application/sdp", "text/x"))}
                    if path == "/api/config":
                        headers["If-Match"] = random.choice(("*", '"x"', ""))
                    sent = body(random) if method != "GET" else None
                    answer = await client.request(method, address, params=query, data=sent, headers=headers)
                    text = await answer.text(errors="replace")
                    assert answer.status != 500, (method, address, query, sent, text)
                    if answer.status >= 400 and answer.content_type == "application/json":
                        assert json.loads(text)["error"]["message"], (method, address, text)
            await ancestor.say({"type": "heartbeat"})
            await ancestor.until("heartbeat-ack")

    asyncio.run(main())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def alive(socket: ClientWebSocketResponse) -> None:
    await socket.send_str('{"type":"heartbeat"}')
    async with asyncio.timeout(DEADLINE_S):
        while (await socket.receive_json())["type"] != "heartbeat-ack":
            pass


def test_a_socket_survives_whatever_it_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    random = Random(SEED)

    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            for number in range(400):
                message = value(random)
                if isinstance(message, dict):
                    message = {**message, "type": random.choice((*TYPES, *LEAVES))}
                text = json.dumps(message)
                if random.random() < 0.1:
                    await ancestor.socket.send_bytes(random.randbytes(50))
                await ancestor.socket.send_str(text[:-1] if random.random() < 0.1 else text)
                if number % 20 == 0:
                    await alive(ancestor.socket)
            await alive(ancestor.socket)

    asyncio.run(main())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_clients_that_come_and_die_leave_nothing() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            await loaded(client)
            server = client.app[SERVER]

            async def come(number: int) -> None:
                async with joined(client) as ancestor:
                    await ancestor.say({"type": "text-input", "text": "long"})
                    await ancestor.until("audio")
                    if number % 2:
                        connection = ancestor.socket._response.connection
                        assert connection is not None
                        assert connection.transport is not None
                        connection.transport.abort()

            async def empty() -> tuple[int, int]:
                async with asyncio.timeout(DEADLINE_S):
                    while len(server.sessions):  # noqa: ASYNC110  # over real sockets
                        await asyncio.sleep(0.02)
                    await asyncio.sleep(0.2)
                return len([task for task in asyncio.all_tasks() if not task.done()]), threading.active_count()

            for number in range(2):
                await come(number)
            before = await empty()
            for number in range(16):
                await come(number)
            assert await empty() == before
            assert not list(server.sessions)
            assert not server.recordings._recorders

    asyncio.run(main())

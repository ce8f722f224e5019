"""How much one address may ask for, and how many calls it may hold; others are not concerned."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient

from vaidol.server.app import SERVER, Options
from vaidol.server.limits import KINDS, LIMITS, Limit
from vaidol.tests.server.ancestor import KINDS as NODES
from vaidol.tests.server.ancestor import PIPELINE, loaded
from vaidol.tests.server.client import serving

PROXY = {"trust_proxy": ("127.0.0.1",)}
FAR, OTHER = {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-For": "192.0.2.8"}
MOST = 6


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a slow machine does not refill meanwhile."""
    for kind in KINDS:
        monkeypatch.setitem(KINDS, kind, Limit(0.001, MOST))


async def statuses(client: TestClient[Any, Any], count: int, way: str, path: str, **how: Any) -> list[int]:
    answers = [await client.request(way, path, **how) for _ in range(count)]
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status == 429)
    return [answer.status for answer in answers]


def test_too_many_requests_from_one_address_are_refused_and_others_go_on() -> None:
    async def main() -> None:
        async with serving(options=Options(token="t", **PROXY)) as client:
            known = {"Authorization": "Bearer t"}
            for kind, way, path in (
                ("changes", "POST", "/api/say"), ("costly", "PUT", "/api/pipeline"), ("reads", "GET", "/api/history"),
                ("calls", "POST", "/whip"),
            ):  # fmt: skip
                got = await statuses(client, MOST + 2, way, path, headers={**FAR, **known})
                assert 429 not in got[:MOST], kind
                assert got[MOST:] == [429, 429], kind
                assert 429 not in await statuses(client, 2, way, path, headers={**OTHER, **known})
                assert 429 not in await statuses(client, MOST + 2, way, path, headers=known)  # this machine
            assert 429 not in await statuses(client, 50, "GET", "/health", headers=FAR)

    asyncio.run(main())


def test_tokens_cannot_be_tried_out_for_long() -> None:
    async def main() -> None:
        async with serving(options=Options(token="t", **PROXY)) as client:
            wrong, right = {"Authorization": "Bearer x"}, {"Authorization": "Bearer t"}
            got = await statuses(client, MOST + 1, "GET", "/api/sessions", headers={**FAR, **wrong})
            assert got == [401] * MOST + [429]
            assert await statuses(client, 1, "GET", "/api/sessions", headers={**FAR, **right}) == [429]
            assert await statuses(client, 1, "GET", "/api/sessions", headers={**OTHER, **right}) == [200]
            got = await statuses(client, 2 * MOST, "GET", "/api/sessions", headers=OTHER)  # a page left open
            assert set(got) == {401}

    asyncio.run(main())


def test_the_named_routes_are_there() -> None:
    async def main() -> None:
        async with serving() as client:
            known = {
                f"{route.method} {route.resource.canonical}" for route in client.app.router.routes() if route.resource
            }
            assert set(LIMITS) <= known

    asyncio.run(main())


def test_one_address_cannot_take_all_places() -> None:
    async def main() -> None:
        options = Options(max_sessions=5, max_per_address=2, **PROXY)
        async with serving(PIPELINE, options, NODES) as client:
            await loaded(client)
            sockets = [await client.ws_connect("/client-ws", headers=FAR) for _ in range(2)]
            with pytest.raises(WSServerHandshakeError, match="503"):
                await client.ws_connect("/client-ws", headers=FAR)
            sockets += [await client.ws_connect("/client-ws", headers=OTHER)]
            sockets += [await client.ws_connect("/client-ws") for _ in range(2)]
            assert len(client.app[SERVER].sessions) == 5
            for socket in sockets:
                await socket.close()

    asyncio.run(main())

"""Messages without measure, peers that vanish without a word, a crowd: each is refused, and the others go on."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from typing import Any

import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient

from vaidol.server.app import SERVER, Options
from vaidol.tests.server.ancestor import DEADLINE_S, KINDS, PIPELINE, joined, loaded
from vaidol.tests.server.client import new_caller, offer_of, serving

HUGE = 10_000_000
CROWD, PLACES = 1000, 3


async def empty(client: TestClient[Any, Any], left: int = 0) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while len(client.app[SERVER].sessions) > left:  # noqa: ASYNC110  # over real sockets
            await asyncio.sleep(0.02)


def test_ten_megabytes_end_the_connection_that_sent_them_and_no_other() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as other:
            for path in ("/client-ws", "/api/inspect"):
                for way in ("send_str", "send_bytes"):
                    async with client.ws_connect(path, max_msg_size=0) as socket:
                        try:
                            await getattr(socket, way)("x" * HUGE if way == "send_str" else bytes(HUGE))
                        except ConnectionError:
                            continue  # it was closed while it came
                        async with asyncio.timeout(DEADLINE_S):
                            while (await socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED):
                                pass
                        assert socket.close_code in (1009, 1006), path  # too big; or gone before that could be said
            await empty(client, left=1)
            for path in ("/api/say", "/api/groups", "/whip", "/api/autonomous"):
                async with client.post(path, data=io.BytesIO(bytes(HUGE))) as answer:
                    assert answer.status == 413
                    assert (await answer.json())["error"]["code"] == "too_large"
            await other.say({"type": "heartbeat"})
            await other.until("heartbeat-ack")

    asyncio.run(main())


@pytest.mark.parametrize("text", ["[" * 100_000, '{"type":' * 50_000, '{"type":"text-input","text":' + "[" * 90_000])
def test_deep_nesting_is_told_and_the_socket_lives(text: str) -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            await ancestor.say(text)
            assert "JSON" in (await ancestor.until("error"))["message"]
            await ancestor.say({"type": "heartbeat"})
            await ancestor.until("heartbeat-ack")

    asyncio.run(main())


def test_a_peer_that_vanishes_without_a_word_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaidol.server.olv.client.PING_S", 0.2)
    monkeypatch.setattr("vaidol.server.olv.routes.PING_S", 0.2)

    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            await loaded(client)
            async with client.ws_connect("/client-ws", autoping=False) as socket:  # as one whose network is gone
                assert (await socket.receive()).type is WSMsgType.TEXT
                assert len(client.app[SERVER].sessions) == 1
                await empty(client)

    asyncio.run(main())


def test_a_thousand_at_once_get_the_places_there_are() -> None:
    async def main() -> None:
        async with serving(PIPELINE, Options(max_sessions=PLACES), KINDS) as client:
            await loaded(client)
            caller = new_caller(microphone=False)
            sdp, headers = await offer_of(caller), {"Content-Type": "application/sdp"}

            async def ask(number: int) -> tuple[int, bool]:
                if number % 2:
                    way = client.post("/whip", data=sdp, headers=headers)
                else:
                    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
                    way = client.get("/client-ws", headers={**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
                async with way as answer:
                    return answer.status, "Retry-After" in answer.headers

            got = Counter(await asyncio.gather(*(ask(number) for number in range(CROWD))))
            came_in = got[201, False] + got[101, False]
            assert came_in >= 1
            assert got[503, True] == CROWD - came_in
            assert len(client.app[SERVER].sessions) <= PLACES
            async with client.get("/health") as health:
                assert health.status == 200
            await caller.close()
            for session in list(client.app[SERVER].sessions):
                session.end("enough")
            await empty(client)

    asyncio.run(main())

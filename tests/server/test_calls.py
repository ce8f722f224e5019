"""Calls over real loopback sockets: sound both ways, messages, reconnecting, ending."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from aiortc import RTCDtlsTransport
from aiortc.rtp import RtpPacket, is_rtcp

from vaidol.graph.frames import Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.server import rtc
from vaidol.server.app import SERVER, Options
from vaidol.tests.server.client import ECHO, Caller, call, new_caller, offer_of, serving


class Crash(Node[Settings]):
    """Ends the session when somebody types."""

    inputs = (Port("text", Transcript),)

    def process(self, port: str, frame: Transcript) -> None:
        raise ZeroDivisionError


def hears_itself(caller: Caller) -> bool:
    return bool(np.median(caller.levels[-10:] or [0]) > 0.1)


def test_sound_goes_both_ways() -> None:
    async def main() -> None:
        async with serving() as client:
            caller = await call(client)
            hello = await caller.message("hello")
            assert (hello["v"], hello["pipeline"], hello["rate"]) == (1, "echo", 48_000)
            assert 0 <= (await caller.message("sync"))["origin"] < 2**32
            assert (await caller.message("state"))["value"] == "listening"
            await caller.until(lambda: hears_itself(caller), "the echo")
            (told,) = (await (await client.get("/api/sessions")).json())["sessions"]
            assert told["state"] == "connected"
            async with client.get(f"/api/sessions/{told['id']}/waterfall") as response:
                assert await response.json() == {"session": told["id"], "utterances": []}
            async with client.get(f"/api/sessions/{told['id']}/waterfall?format=chrome") as response:
                assert (await response.json())["traceEvents"][0]["args"]["name"] == told["id"]
            assert (await client.get(f"/api/sessions/{told['id']}/waterfall?format=csv")).status == 400
            assert (await client.get("/api/sessions/none/waterfall")).status == 404
            assert told["edges"]["mic.audio -> out.audio"]["entered"] > 0
            assert hello["token"] not in str(told)
            await caller.close()

    asyncio.run(main())


def test_a_muted_microphone_is_silent() -> None:
    async def main() -> None:
        async with serving() as client:
            caller = await call(client)
            await caller.until(lambda: hears_itself(caller), "the echo")
            caller.send({"t": "mute", "on": True})
            await caller.until(lambda: max(caller.levels[-20:]) < 0.01, "silence")
            caller.send({"t": "mute", "on": False})
            await caller.until(lambda: hears_itself(caller), "the echo")
            await caller.close()

    asyncio.run(main())


def test_somebody_without_a_microphone_can_type() -> None:
    async def main() -> None:
        async with serving() as client:
            caller = await call(client, microphone=False)
            caller.send({"t": "hello", "v": 1})
            caller.send({"t": "text", "text": "good morning"})
            said = await caller.message("subtitle", who="user")
            assert said["text"] == "good morning"
            assert said["final"]
            await caller.close()

    asyncio.run(main())


def test_bad_messages_are_told_and_the_call_goes_on() -> None:
    async def main() -> None:
        async with serving() as client:
            caller = await call(client)
            for bad in ("{", "[" * 9000, "x" * 20_000, b"\x00\xff", '{"t": "fly"}', '{"t": "text", "text": 7}', "null"):
                caller.messages.clear()
                caller.send(bad)
                error = await caller.message("error", code="bad_message")
                assert len(error["message"]) < 200
                assert not error["fatal"]
            caller.send({"t": "hello", "v": 99})
            await caller.message("error", code="version")
            caller.send({"t": "ping", "n": 5})
            await caller.message("pong", n=5)
            await caller.close()

    asyncio.run(main())


def test_a_flood_of_messages_is_cut_short() -> None:
    async def main() -> None:
        async with serving() as client:
            caller = await call(client)
            for n in range(400):
                caller.send({"t": "ping", "n": n})
            await caller.message("error", code="too_many")
            assert sum(message["t"] == "pong" for message in caller.messages) < 300
            await caller.close()

    asyncio.run(main())


def test_a_lost_client_comes_back_to_its_session() -> None:
    async def main() -> None:
        async with serving() as client:
            first = await call(client)
            hello = await first.message("hello")
            await first.until(lambda: hears_itself(first), "the echo")
            second = await call(client, token=hello["token"])  # the first connection is still there, and is given up
            again = await second.message("hello")
            assert again["session"] == hello["session"]
            await second.until(lambda: hears_itself(second), "the echo after coming back")
            await second.message("sync")
            await first.until(lambda: first.connection.connectionState == "closed", "the end of the first connection")
            await second.close()
            sessions = client.app[SERVER].sessions
            await second.until(lambda: sessions.report()[0]["state"] == "away", "the loss to be noticed")
            third = await call(client, token=hello["token"])
            assert (await third.message("hello"))["session"] == hello["session"]
            assert (await client.delete(first.location)).status == 404  # a stale address hangs up nobody
            assert len(sessions) == 1
            for caller in (first, third):
                await caller.close()

    asyncio.run(main())


def test_a_client_that_falls_silent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtc, "PING_S", 0.05)
    monkeypatch.setattr(rtc, "SILENT_S", 0.3)

    async def main() -> None:
        async with serving() as client:
            caller = await call(client)
            await caller.message("ping", n=10)
            sessions = client.app[SERVER].sessions
            assert sessions.report()[0]["state"] == "connected"
            caller.alive = False
            await caller.until(lambda: sessions.report()[0]["state"] == "away", "the silence to be noticed")
            await caller.close()

    asyncio.run(main())


def test_a_client_that_loses_packets_is_sent_repairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtc, "PING_S", 0.05)
    send, count = RTCDtlsTransport._send_rtp, 0
    modes: set[str] = set()

    async def lose(self: RTCDtlsTransport, data: bytes) -> None:
        nonlocal count
        if not is_rtcp(data):
            first = RtpPacket.parse(data).payload[0]
            if not first & 4:  # one channel: the server's
                modes.add("repairs" if first >> 3 < 16 else "plain")
            count += 1
            if count % 7 == 0:
                return
        await send(self, data)

    monkeypatch.setattr(RTCDtlsTransport, "_send_rtp", lose)

    async def main() -> None:
        async with serving() as client:
            caller = await call(client)
            await caller.until(lambda: modes == {"plain", "repairs"}, "packets of both kinds")
            await caller.close()

    asyncio.run(main())


def test_a_client_that_never_comes_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtc, "CONNECT_S", 0.1)

    async def main() -> None:
        async with serving() as client:
            async with client.post("/whip", data=await _offer(), headers={"Content-Type": "application/sdp"}) as answer:
                assert answer.status == 201
            sessions = client.app[SERVER].sessions
            assert len(sessions) == 1
            for _ in range(200):
                if not len(sessions):
                    return
                await asyncio.sleep(0.02)
            raise AssertionError("the session is still there")

    asyncio.run(main())


def test_a_session_ends_when_nobody_comes_back() -> None:
    async def main() -> None:
        async with serving(options=Options(grace_s=0.2)) as client:
            caller = await call(client)
            hello = await caller.message("hello")
            await caller.close()
            await caller.until(lambda: len(client.app[SERVER].sessions) == 0, "the end of the session")
            later = await call(client, token=hello["token"])
            assert (await later.message("hello"))["session"] != hello["session"]
            await later.close()

    asyncio.run(main())


def test_hanging_up_ends_the_session() -> None:
    async def main() -> None:
        async with serving() as client:
            caller = await call(client)
            assert (await client.delete(caller.location)).status == 200
            await caller.until(lambda: len(client.app[SERVER].sessions) == 0, "the end of the session")
            await caller.until(lambda: caller.connection.connectionState == "closed", "the connection's end")
            assert (await client.delete(caller.location)).status == 404
            await caller.close()

    asyncio.run(main())


def test_two_callers_hear_only_themselves_and_a_third_is_refused() -> None:
    async def main() -> None:
        async with serving(options=Options(max_sessions=2)) as client:
            loud, quiet = await call(client), await call(client, microphone=False)
            await loud.until(lambda: hears_itself(loud), "the echo")
            await quiet.until(lambda: len(quiet.levels) > 50, "sound")
            assert max(quiet.levels) < 0.01
            answer = await client.post("/whip", data=await _offer(), headers={"Content-Type": "application/sdp"})
            assert answer.status == 503
            assert answer.headers["Retry-After"]
            assert (await answer.json())["error"]["code"] == "full"
            await loud.close()
            await quiet.close()

    asyncio.run(main())


def test_a_session_that_ends_itself_says_why() -> None:
    pipeline: dict[str, Any] = {**ECHO, "nodes": {**ECHO["nodes"], "crash": {"use": "t.crash"}}}
    pipeline["nodes"]["crash"]["on_error"] = {"policy": "end"}
    pipeline["edges"] = [*ECHO["edges"], "page.text -> crash.text"]

    async def main() -> None:
        async with serving(pipeline, kinds=Registry("vaidol.nodes", extra={"t.crash": Crash})) as client:
            caller = await call(client)
            caller.send({"t": "text", "text": "crash"})
            error = await caller.message("error", code="ended")
            assert error["fatal"]
            await caller.until(lambda: len(client.app[SERVER].sessions) == 0, "the end of the session")
            await caller.close()

    asyncio.run(main())


def test_stopping_the_server_ends_calls_quickly() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with serving() as client:
            caller = await call(client)
            await caller.until(lambda: hears_itself(caller), "the echo")
            began = loop.time()
        assert loop.time() - began < 2
        await caller.until(lambda: caller.connection.connectionState == "closed", "the connection's end")
        await caller.close()

    asyncio.run(main())


async def _offer() -> str:

    caller = new_caller()
    try:
        return await offer_of(caller)
    finally:
        await caller.close()

"""Viewers of a session over real loopback sockets: they hear and see all, and have no say."""

from __future__ import annotations

import asyncio

import pytest

from vaidol.server import audience
from vaidol.server.app import SERVER, Options
from vaidol.tests.server.client import Caller, call, new_caller, offer_of, serving, watch

SDP = {"Content-Type": "application/sdp"}


def hears(caller: Caller) -> bool:
    return len(caller.levels) > 10 and max(caller.levels[-5:]) > 0.1


def test_viewers_hear_and_see_the_same_and_cannot_speak() -> None:
    async def main() -> None:
        async with serving() as client:
            speaker = await call(client)
            first = await watch(client)
            session = client.app[SERVER].sessions.find()
            assert session is not None
            second = await watch(client, session.id)  # a late joiner, by name
            for viewer in (first, second):
                hello = await viewer.message("hello", role="viewer", token="")
                assert hello["session"] == session.id
                await viewer.until(lambda viewer=viewer: hears(viewer), "the echo")
                await viewer.message("state", value="listening")
                await viewer.message("expression", name="neutral")
                viewer.send({"t": "text", "text": "buy now"})
                viewer.send({"t": "interrupt"})
            origins = [(await one.message("sync"))["origin"] for one in (speaker, first, second)]
            assert len(set(origins)) == 3  # each track has its own
            speaker.send({"t": "text", "text": "good morning"})
            for one in (speaker, first, second):
                said = await one.message("subtitle", who="user")
                assert said["text"] == "good morning"
            assert session.report()["viewers"] == 2
            await first.close()
            assert (await client.delete("/" + second.location)).status == 200
            await second.until(lambda: len(session.audience) == 0, "the viewers to be gone")
            assert session.state == "connected"
            await speaker.until(lambda: hears(speaker), "the echo still")
            await second.close()
            await speaker.close()

    asyncio.run(main())


def test_a_session_with_viewers_only_ends_after_its_grace_and_they_are_told() -> None:
    async def main() -> None:
        async with serving(options=Options(grace_s=0.5)) as client:
            speaker = await call(client)
            viewer = await watch(client)
            await speaker.close()
            sessions = client.app[SERVER].sessions
            await viewer.until(lambda: len(sessions) == 0, "the end of the session")
            await viewer.until(lambda: viewer.connection.connectionState == "closed", "the end of the connection")
            await viewer.close()

    asyncio.run(main())


def test_there_must_be_something_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "MOST_VIEWERS", 1)

    async def main() -> None:
        async with serving() as client:
            async with client.get("/api/protocol") as response:
                assert "client_to_server" in await response.json()
            async with client.get("/overlay?captions=1") as response:
                assert 'id="avatar"' in await response.text()
            lonely = new_caller(microphone=False)
            offer = await offer_of(lonely)
            async with client.post("/whep", data=offer, headers=SDP) as response:
                assert response.status == 404
                assert (await response.json())["error"]["code"] == "no_session"
                assert response.headers["Retry-After"] == "2"
            speaker = await call(client)
            async with client.post("/whep?session=other", data=offer, headers=SDP) as response:
                assert response.status == 404
            async with client.post("/whep", data="hello", headers=SDP) as response:
                assert response.status == 400
            viewer = await watch(client)
            async with client.post("/whep", data=offer, headers=SDP) as response:
                assert response.status == 503
                assert (await response.json())["error"]["code"] == "full"
            for caller in (lonely, viewer, speaker):
                await caller.close()

    asyncio.run(main())

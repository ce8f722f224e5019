"""Sessions of both kinds in one group: over REST and over the ancestor's protocol, with an agent that says what it is
told."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from vaidol.server.app import SERVER
from vaidol.server.groups.room import PAUSE_S
from vaidol.server.session import Session
from vaidol.tests.server.ancestor import KINDS, PIPELINE, Ancestor, joined
from vaidol.tests.server.client import call, serving


async def ready(ancestor: Ancestor, client: Any) -> str:
    """The id of the session of a client of `/client-ws`."""
    uid = next(m["client_uid"] for m in ancestor.messages if m["type"] == "set-model-and-conf")
    found = next(one for one in client.app[SERVER].sessions if getattr(one, "uid", "") == uid)
    return str(found.id)


def uid(ancestor: Ancestor) -> str:
    return str(next(m["client_uid"] for m in ancestor.messages if m["type"] == "set-model-and-conf"))


async def words_of(ancestor: Ancestor, name: str, part: str) -> str:
    """What somebody else says in the group, as this client is shown it."""
    while True:
        message = await ancestor.until("audio", forwarded=True)
        shown = message["display_text"]
        if shown["name"] == name and part in shown["text"]:
            return str(shown["text"])


async def play(ancestor: Ancestor) -> None:
    """Play what was given, until its turn ends."""
    await ancestor.until("backend-synth-complete")
    await ancestor.say({"type": "frontend-playback-complete"})
    await ancestor.until("control", text="conversation-chain-end")


def test_two_clients_talk_and_each_character_hears_the_other() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as one, joined(client) as two:
            await one.say({"type": "add-client-to-group", "invitee_uid": uid(two)})
            update = await one.until("group-update", is_owner=True, members=[uid(one), uid(two)])
            assert update["members"] == [uid(one), uid(two)]
            assert (await one.until("group-operation-result"))["success"]
            await two.until("group-update", is_owner=False, members=[uid(one), uid(two)])
            await one.say({"type": "text-input", "text": "hello there"})
            assert await words_of(two, "Guest", "hello") == "hello there"
            await play(one)
            assert "hello there" in await words_of(two, "Vai", "hello there")
            heard = await two.until("audio", forwarded=False)  # its own character's answer
            while "Vai: " not in heard["display_text"]["text"]:
                heard = await two.until("audio", forwarded=False)
            await words_of(one, "Vai 2", "You said")

            await two.say({"type": "remove-client-from-group", "target_uid": uid(one)})
            assert "owner" in (await two.until("group-operation-result", success=False))["message"]
            await one.say({"type": "remove-client-from-group", "target_uid": uid(one)})
            await two.until("group-update", members=[], is_owner=False)
            await one.until("group-update", members=[], is_owner=False)
            assert client.app[SERVER].groups.rooms == {}

    asyncio.run(main())


def test_a_group_over_rest() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as other:
            caller = await call(client, microphone=False)
            caller.send({"t": "hello", "v": 1})
            (session,) = (one for one in client.app[SERVER].sessions if isinstance(one, Session))
            await caller.until(lambda: session.graph is not None, "the graph")
            wish = {"session": session.id, "person": "Anna", "character": "Ada", "rounds": 1}
            async with client.post("/api/groups", json=wish) as answer:
                assert answer.status == 200, await answer.text()
                group = (await answer.json())["id"]
            guest = {"session": await ready(other, client), "person": "Ben", "character": "Bo"}
            async with client.post(f"/api/groups/{group}/members", json=guest) as answer:
                told = await answer.json()
                assert [one["character"] for one in told["members"]] == ["Ada", "Bo"]
                assert told["owner"] == session.id
            async with client.post(f"/api/groups/{group}/members", json=guest) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (409, "member")

            caller.send({"t": "text", "text": "good morning, Bo"})  # her own Ada is silent: Bo was asked
            assert await words_of(other, "Anna", "morning") == "good morning, Bo"
            while "Anna: good morning" not in (await other.until("audio", forwarded=False))["display_text"]["text"]:
                pass
            await caller.until(lambda: any(m["t"] == "other" and m["name"] == "Bo" for m in caller.messages), "Bo")
            assert not any(m["t"] == "subtitle" and m["who"] == "avatar" for m in caller.messages)

            async with client.post(f"/api/groups/{group}/mute", json={"session": session.id}) as answer:
                assert [one["muted"] for one in (await answer.json())["members"]] == [True, False]
            async with client.get("/api/groups") as answer:
                assert [one["id"] for one in (await answer.json())["groups"]] == [group]
            await caller.close()  # who hangs up leaves; the other is alone then
            async with client.delete(caller.location.replace("whip", "/whip")) as answer:
                pass
            await caller.until(lambda: not client.app[SERVER].groups.rooms, "the group's end")
            async with client.get(f"/api/groups/{group}") as answer:
                assert answer.status == 404

    asyncio.run(main())


def test_what_is_spoken_while_another_character_speaks_is_answered_after_it() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as one, joined(client) as two:
            session = await ready(one, client)
            async with client.post("/api/groups", json={"session": session, "order": "named"}) as answer:
                group = (await answer.json())["id"]
            other = {"session": await ready(two, client), "person": "Ben", "character": "Bo"}
            async with client.post(f"/api/groups/{group}/members", json=other) as answer:
                assert answer.status == 200
            await one.say({"type": "text-input", "text": f"tell us of {'and of the weather ' * 7}"})
            await two.until("audio", forwarded=True)  # the other character speaks
            wave = (0.3 * np.sin(2 * np.pi * 200 * np.arange(4096) / 16_000)).tolist()
            for _ in range(4):
                await two.say({"type": "mic-audio-data", "audio": wave})
            await two.say({"type": "mic-audio-end", "images": []})
            assert "tenths" in await words_of(one, "Ben", "tenths")
            room = client.app[SERVER].groups.rooms[group]
            assert room.floor == session
            while (
                "a room with Guest and Vai" not in (await two.until("audio", forwarded=False))["display_text"]["text"]
            ):
                pass

    asyncio.run(main())


def test_who_presses_stop_ends_the_character_of_another() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as one, joined(client) as two:
            await one.say({"type": "add-client-to-group", "invitee_uid": uid(two)})
            await two.until("group-update", is_owner=False, members=[uid(one), uid(two)])
            await one.say({"type": "text-input", "text": "go on for long"})
            await one.until("backend-synth-complete")
            await two.until("audio", forwarded=True)
            await two.say({"type": "interrupt-signal", "text": ""})
            async with asyncio.timeout(8):  # of itself it would end after 15 s
                await one.until("control", text="conversation-chain-end")
            await asyncio.sleep(2 * PAUSE_S)
            (room,) = client.app[SERVER].groups.rooms.values()
            assert (room.floor, room.left) == ("", 0)

    asyncio.run(main())


def test_what_cannot_be_is_refused_with_a_sentence() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as one:
            id = await ready(one, client)
            for path, body, status, code in (
                ("/api/groups", {"session": "nobody"}, 404, "no_session"),
                ("/api/groups", {"session": id, "rounds": 99}, 422, "invalid"),
                ("/api/groups", {"session": id, "person": "a: b"}, 422, "invalid"),
                ("/api/groups/none/members", {"session": id}, 404, "no_group"),
                ("/api/groups/none/mute", {"session": id}, 404, "no_group"),
            ):
                async with client.post(path, json=body) as answer:
                    assert (answer.status, (await answer.json())["error"]["code"]) == (status, code)
            for path in ("/api/groups/none", "/api/groups/none/members/x"):
                async with client.delete(path) as answer:
                    assert answer.status == 404
            await one.say({"type": "add-client-to-group", "invitee_uid": uid(one)})
            assert "themselves" in (await one.until("group-operation-result", success=False))["message"]
            await one.say({"type": "add-client-to-group", "invitee_uid": "nobody"})
            assert "no such client" in (await one.until("group-operation-result", success=False))["message"]
            await one.say({"type": "remove-client-from-group", "target_uid": uid(one)})
            assert "no group" in (await one.until("group-operation-result", success=False))["message"]

    asyncio.run(main())

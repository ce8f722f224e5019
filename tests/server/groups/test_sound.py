"""Two people in a room over real loopback sockets: each hears the other and both characters, never themselves."""

from __future__ import annotations

import asyncio
from typing import Any

from vaidol.server.app import SERVER
from vaidol.tests.server.ancestor import KINDS, PIPELINE, joined
from vaidol.tests.server.client import ECHO, Caller, call, serving

VOICE = 220.0  # Hz, of both characters


async def entered(client: Any, *hz: float) -> list[Caller]:
    """Callers in one room, the first its owner."""
    callers = []
    for one in hz:
        callers.append(await call(client, hz=one))
        sessions = list(client.app[SERVER].sessions)
        await callers[-1].until(lambda: all(s.graph is not None for s in sessions), "the graphs")  # noqa: B023
    groups = client.app[SERVER].groups
    owner, *others = client.app[SERVER].sessions
    id = groups.create(owner, "Anna", "Ada")
    for number, session in enumerate(others):
        groups.invite(id, session, f"Ben {number}", f"Bo {number}")
    return callers


def test_each_hears_the_other_and_the_characters_and_not_themselves() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client):
            one, two = await entered(client, 500.0, 900.0)  # a client of `/client-ws` is there too
            await one.until(lambda: one.strength(900) > 0.15 and two.strength(500) > 0.15, "each other")
            assert one.strength(500) < 0.01
            assert two.strength(900) < 0.01
            one.send({"t": "text", "text": "tell us of the long and winding road"})
            await one.until(lambda: one.strength(VOICE) > 0.15 and two.strength(VOICE) > 0.15, "the character")
            assert one.strength(500) < 0.01

            one.send({"t": "mute", "on": True})
            await two.until(lambda: two.strength(500) < 0.01, "silence of who is muted")
            one.send({"t": "mute", "on": False})
            await two.until(lambda: two.strength(500) > 0.15, "them again")

            first, *_ = client.app[SERVER].groups.rooms.values()
            client.app[SERVER].groups.leave(list(first.members)[1])
            await two.until(lambda: max(two.levels[-10:]) < 0.01 and max(one.levels[-10:]) < 0.01, "silence")
            await one.close()
            await two.close()

    asyncio.run(main())


def test_of_who_speaks_with_another_voice_nobody_hears_the_own_one() -> None:
    async def main() -> None:
        nodes = {**ECHO["nodes"], "out": {"use": "webrtc.out", "with": {"live": True}}}
        async with serving({**ECHO, "nodes": nodes}) as client:
            one, two = await entered(client, 500.0, 900.0)  # each tone has 0.25; the changed voice is the same here
            await one.until(lambda: one.strength(900) > 0.15 and two.strength(500) > 0.15, "each other")
            await asyncio.sleep(0.5)
            assert two.strength(500) < 0.35
            assert one.strength(500) < 0.35  # the avatar's, which is one's own changed voice
            await one.close()
            await two.close()

    asyncio.run(main())

"""The gentle end of a server: callers hear the sentence out, are told, and nobody new comes in."""

from __future__ import annotations

import asyncio

from vaidol.server import leaving
from vaidol.server.app import SERVER
from vaidol.tests.server.ancestor import KINDS, PIPELINE, joined
from vaidol.tests.server.client import Caller, call, new_caller, offer_of, serving

SENTENCE = "And so on and on."


async def hear_a_long_story(caller: Caller) -> None:
    caller.send({"t": "text", "text": "long"})
    await caller.message("subtitle", who="avatar", text=SENTENCE)


def test_the_sentence_under_way_is_heard_and_everybody_is_told() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            server = client.app[SERVER]
            talks, silent, late = await call(client), await call(client, microphone=False), new_caller()
            await hear_a_long_story(talks)
            graph = next(session.graph for session in server.sessions if session.id == talks.messages[0]["session"])
            assert graph is not None
            begun = [event.text for event in graph.events if event.name == "reply"]
            ending = asyncio.ensure_future(leaving.drain(server.sessions, server.engine.clock, asyncio.Event()))
            await asyncio.sleep(0)
            async with client.get("/ready") as ready:
                assert (ready.status, (await ready.json())["status"]) == (503, "ending")
            headers = {"Content-Type": "application/sdp"}
            async with client.post("/whip", data=await offer_of(late), headers=headers) as refused:
                assert refused.status == 503
                assert (await refused.json())["error"]["code"] == "ending"
                assert "Retry-After" in refused.headers
            await late.close()
            cut = await talks.message("cut")
            assert cut["heard"] == " ".join(begun)  # what had begun, to its end, and no more, though more was ready
            for caller in (talks, silent):
                assert not (await caller.message("error", code="stopping"))["fatal"]  # the page connects again
            await ancestor.until("error")
            await ending
            for caller in (talks, silent):
                await caller.until(lambda c=caller: c.connection.connectionState == "closed", "the end of the call")
                await caller.close()
            assert all(session.state == "ended" for session in server.sessions)

    asyncio.run(main())


def test_who_is_in_a_hurry_waits_for_no_sentence() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client):
            server, hurry = client.app[SERVER], asyncio.Event()
            caller = await call(client)
            await hear_a_long_story(caller)
            ending = asyncio.ensure_future(leaving.drain(server.sessions, server.engine.clock, hurry))
            await asyncio.sleep(0)
            assert not ending.done()
            hurry.set()
            await asyncio.wait_for(ending, 20)
            assert not [message for message in caller.messages if message["t"] == "cut"]
            await caller.close()

    asyncio.run(main())

"""`/api/say` in a running server: exactly these words, interruptible, remembered."""

from __future__ import annotations

import asyncio

from vaidol.server.app import SERVER
from vaidol.tests.server.ancestor import KINDS, PIPELINE, joined, loaded
from vaidol.tests.server.client import call, serving


def test_the_avatar_says_exactly_this_and_remembers_what_was_heard() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            await loaded(client)
            caller = await call(client, microphone=False)
            (session,) = client.app[SERVER].sessions
            await caller.until(lambda: session.graph is not None, "the graph")
            assert session.graph is not None
            async with client.post(
                "/api/say", json={"text": " [joy] Welcome, Robin! ", "session": session.id}
            ) as answer:
                assert answer.status == 200
                turn = (await answer.json())["sessions"][session.id]["turn"]
            shown = await caller.message("subtitle", who="avatar")
            assert (shown["text"], shown["turn"]) == ("Welcome, Robin!", turn)
            await caller.message("turn", turn=turn, status="done")
            memory = session.graph.node("agent").memory  # type: ignore[attr-defined]
            assert memory.messages()[-1] == {"role": "assistant", "content": "Welcome, Robin!"}
            async with client.post("/api/say", json={"text": "On and on. " * 60}) as answer:
                long = (await answer.json())["sessions"][session.id]["turn"]
            await caller.message("subtitle", who="avatar", turn=long)
            async with client.post("/api/say", json={"text": "Stop that."}) as answer:
                short = (await answer.json())["sessions"][session.id]["turn"]
            await caller.message("turn", turn=long, status="cut")
            await caller.message("turn", turn=short, status="done")
            said = memory.messages()[-1]["content"]
            assert said.endswith("Stop that.")
            assert said.count("On and on.") < 60
            await caller.close()

    asyncio.run(main())


def test_a_client_of_the_old_protocol_hears_it_as_a_turn() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            assert (await client.post("/api/say", json={"text": "Welcome!"})).status == 200
            await ancestor.until("control", text="conversation-chain-start")
            assert (await ancestor.until("audio"))["display_text"]["text"] == "Welcome!"
            await ancestor.until("backend-synth-complete")

    asyncio.run(main())


def test_what_cannot_be_said_is_refused() -> None:
    async def main() -> None:
        async with serving() as client:
            wrong = (
                ({"text": "hi"}, 404), ({"text": "hi", "session": "none"}, 404), ({"text": "  "}, 422), ({}, 422),
                ({"text": "x" * 5000}, 422), ({"text": "hi", "loud": True}, 422), (["hi"], 400),
            )  # fmt: skip
            for body, status in wrong:
                assert (await client.post("/api/say", json=body)).status == status
            caller = await call(client, microphone=False)
            (session,) = client.app[SERVER].sessions
            await caller.until(lambda: session.graph is not None, "the graph")
            async with client.post("/api/say", json={"text": "hi"}) as answer:
                assert answer.status == 409
                assert "no agent" in (await answer.json())["error"]["message"]
            await caller.close()

    asyncio.run(main())

"""`/api/autonomous` in a running server."""

from __future__ import annotations

import asyncio
from typing import Any

from vaidol.server.app import SERVER
from vaidol.tests.server.ancestor import KINDS, PIPELINE
from vaidol.tests.server.client import call, serving

ALONE: dict[str, Any] = {
    **PIPELINE,
    "nodes": {**PIPELINE["nodes"], "alone": {"use": "turn.autonomous", "with": {"active": False}}},
    "edges": [*PIPELINE["edges"], "vad.speech -> alone.speech", "alone.user -> agent.user"],
}


def test_the_avatar_is_told_what_to_say() -> None:
    async def main() -> None:
        async with serving(ALONE, kinds=KINDS) as client:
            await asyncio.sleep(0.5)
            caller = await call(client, microphone=False)
            (session,) = client.app[SERVER].sessions
            await caller.until(lambda: session.graph is not None, "the graph")
            body = {"prompt": "Sing a song", "session": session.id}
            async with client.post("/api/autonomous", json=body) as response:
                assert response.status == 200
                assert (await response.json())["sessions"][session.id]["waiting"] <= 1
            assert "Sing a song" in (await caller.message("subtitle", who="avatar"))["text"]
            async with client.post("/api/autonomous", json={"active": True}) as response:
                assert (await response.json())["sessions"][session.id]["active"]
            told = await (await client.get("/api/autonomous")).json()
            assert told["sessions"][session.id]["said_this_hour"] == 1
            for wrong, status in (({"active": "perhaps"}, 422), ({"session": "none"}, 404), ([], 400)):
                assert (await client.post("/api/autonomous", json=wrong)).status == status
            await caller.close()

    asyncio.run(main())


def test_a_pipeline_without_such_a_node_says_so() -> None:
    async def main() -> None:
        async with serving() as client:
            assert (await client.post("/api/autonomous", json={"active": True})).status == 404  # nobody is there
            caller = await call(client)
            assert (await client.post("/api/autonomous", json={"active": True})).status == 409
            await caller.close()

    asyncio.run(main())

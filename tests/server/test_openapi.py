"""The REST interface describes itself wholly and rightly, and tells what happens."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from vaidol.server.app import SERVER
from vaidol.server.openapi import BODIES, SHOWN
from vaidol.server.openapi_extras import FIELDS, PARAMETERS, STATUS
from vaidol.tests.server.client import call, serving


def test_every_route_is_described() -> None:
    async def main() -> None:
        async with serving() as client:
            told = await (await client.get("/api/openapi.json")).json()
            assert told["openapi"].startswith("3.")
            described = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
            for route in client.app.router.routes():
                path = route.resource.canonical if route.resource else ""
                if path.startswith(SHOWN) and route.method not in ("HEAD", "OPTIONS"):
                    assert (route.method, re.sub(r":[^}]*}", "}", path)) in described
            assert {tuple(key.split(" ")) for key in (*BODIES, *FIELDS, *PARAMETERS, *STATUS)} <= described
            for path, methods in told["paths"].items():
                for method, operation in methods.items():
                    assert operation["summary"], (method, path)
                    assert not operation["summary"].startswith(f"{method.upper()} /"), (method, path)
                    named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
                    assert named == set(re.findall(r"{(\w+)}", path))
            ids = [operation["operationId"] for methods in told["paths"].values() for operation in methods.values()]
            assert len(ids) == len(set(ids))
            for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(told)):
                place: Any = told
                for step in reference.removeprefix("#/").split("/"):
                    place = place[step]
            async with client.get("/api/") as response:
                assert response.status == 200
                assert "vaidol over REST" in await response.text()

    asyncio.run(main())


def test_what_happens_is_told_to_who_listens() -> None:
    async def main() -> None:
        async with serving() as client, client.get("/api/events") as events:
            assert events.headers["Content-Type"] == "text/event-stream"
            caller = await call(client, microphone=False)
            caller.send({"t": "hello", "v": 1})
            caller.send({"t": "text", "text": "good morning"})
            seen: list[dict[str, Any]] = []
            async with asyncio.timeout(20):
                async for line in events.content:
                    if line.startswith(b"data:"):
                        seen.append(json.loads(line[5:]))
                        if seen[-1]["event"] == "transcript":
                            break
            (session,) = client.app[SERVER].sessions
            assert {one["session"] for one in seen} == {session.id}
            assert seen[0]["event"] == "session_begin"
            assert seen[-1]["text"] == "good morning"
            await caller.close()

    asyncio.run(main())


def test_a_listener_who_does_not_read_loses_the_oldest_and_is_told() -> None:
    from vaidol.server import events_api

    listener = events_api._Listener("")
    for number in range(events_api.WAITING + 7):
        listener.put(f"data: {number}\n\n")
    assert listener.left_out == 7
    assert listener.waiting[0] == "data: 7\n\n"

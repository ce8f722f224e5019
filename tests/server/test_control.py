"""The avatar by REST: what is asked for reaches the page, and what cannot be is explained."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from vaidol.server.app import SERVER, Options
from vaidol.tests.server.client import call, serving

AVATAR = {
    "t": "avatar", "model": "mao", "expressions": ["exp_01"], "motions": {"TapBody": 2}, "params": ["ParamA", "ParamB"],
}  # fmt: skip


async def ask(client: TestClient[Any, Any], name: str, body: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    async with client.post(f"/api/{name}", json=body, **more) as response:
        return response.status, await response.json()


def test_what_is_asked_for_reaches_the_page() -> None:
    async def main() -> None:
        async with serving() as client:
            caller = await call(client, microphone=False)
            session = client.app[SERVER].sessions.find()
            assert session is not None
            await caller.until(lambda: session.graph is not None, "the graph")
            told = {"sessions": [session.id]}
            body = {"expression": "joy", "intensity": 0.5, "duration": 2}
            assert await ask(client, "expression", body) == (200, told)
            seen = await caller.message("expression", name="joy")
            assert (seen["weight"], seen["hold_ms"]) == (0.5, 2000)
            assert await ask(client, "motion", {"group": "nod", "priority": 3, "session": session.id}) == (200, told)
            assert (await caller.message("motion", name="nod"))["priority"] == "force"
            assert await ask(client, "param", {"id": "ParamAngleX", "value": 12}) == (200, told)
            assert (await caller.message("param", id="ParamAngleX"))["value"] == 12
            assert await ask(client, "gaze", {"x": -1, "y": 0}) == (200, told)
            await caller.message("gaze", x=-1, y=0)
            assert await ask(client, "interrupt", {}) == (200, told)
            again = await call(client, token=session.token, microphone=False)
            assert (await again.message("expression", name="joy"))["weight"] == 0.5
            await again.message("param", id="ParamAngleX")
            for one in (caller, again):
                await one.close()

    asyncio.run(main())


def test_unknown_names_are_answered_with_the_list() -> None:
    async def main() -> None:
        async with serving() as client:
            assert (await ask(client, "expression", {"expression": "joy"}))[1]["error"][
                "message"
            ] == "nobody is in a call"
            caller = await call(client, microphone=False)
            session = client.app[SERVER].sessions.find()
            assert session is not None
            await caller.until(lambda: session.graph is not None, "the graph")
            status, told = await ask(client, "expression", {"expression": "joy", "session": "nobody"})
            assert (status, told["error"]["known"]) == (404, [session.id])
            status, told = await ask(client, "expression", {"expression": "exp_01"})
            assert status == 404
            assert {"joy", "neutral"} <= set(told["error"]["known"])
            caller.send(AVATAR)
            await caller.until(lambda: session.avatar, "the avatar")
            assert (await ask(client, "expression", {"expression": "exp_01"}))[0] == 200
            status, told = await ask(client, "motion", {"group": "TapHead"})
            assert (status, told["error"]["known"]) == (404, ["TapBody", "nod", "shake", "wave"])
            status, told = await ask(client, "motion", {"group": "TapBody", "index": 2})
            assert (status, told["error"]["known"]) == (404, ["TapBody 0", "TapBody 1"])
            assert (await ask(client, "motion", {"group": "TapBody", "index": 1}))[0] == 200
            assert (await caller.message("motion", group="TapBody"))["index"] == 1
            status, told = await ask(client, "param", {"id": "ParamC", "value": 1})
            assert (status, told["error"]["known"]) == (404, ["ParamA", "ParamB"])
            await caller.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("expression", {}, "expression"),
        ("expression", {"expression": "joy", "intensity": 2}, "intensity"),
        ("expression", {"expression": "joy", "duration": -1}, "duration"),
        ("expression", {"expression": "joy", "colour": "red"}, "colour"),
        ("motion", {"group": "nod", "priority": "urgent"}, "priority"),
        ("motion", {"group": "nod", "index": -1}, "index"),
        ("param", {"id": "ParamA", "value": "high"}, "value"),
        ("gaze", {"x": 3, "y": 0}, "x"),
    ],
)
def test_wrong_fields_are_named(name: str, body: dict[str, Any], path: str) -> None:
    async def main() -> None:
        async with serving() as client:
            status, told = await ask(client, name, body)
            assert (status, told["error"]["code"]) == (422, "invalid")
            assert told["error"]["path"].split(".")[0] == path

    asyncio.run(main())


def test_the_rules_of_the_server_hold_here_too() -> None:
    async def main() -> None:
        async with serving(options=Options(token="secret")) as client:
            body = {"expression": "joy"}
            assert (await ask(client, "expression", body))[0] == 401
            known = {"Authorization": "Bearer secret"}
            assert (await ask(client, "expression", body, headers=known))[0] == 404  # nobody is in a call
            assert (await ask(client, "expression", body, headers={**known, "Origin": "https://other"}))[0] == 403
            for bad in ("", "[]", "{", "7"):
                async with client.post("/api/motion", data=bad, headers=known) as response:
                    assert response.status == 400
            async with client.get("/api/motion", headers=known) as response:
                assert response.status == 405

    asyncio.run(main())

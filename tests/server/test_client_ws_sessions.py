"""A client of `/client-ws` is a session like any other: listed, measured, recorded, changed, ended."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import WSMsgType

from vaidol.server.app import SERVER, Options
from vaidol.server.recordings import RecordingOptions
from vaidol.tests.server.ancestor import KINDS, PIPELINE, joined
from vaidol.tests.server.client import serving


def test_it_is_listed_measured_and_followed() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            (told,) = (await (await client.get("/api/sessions")).json())["sessions"]
            assert (told["protocol"], told["state"]) == ("client-ws", "connected")
            async with client.get(f"/api/events?session={told['id']}") as events:
                await ancestor.say({"type": "text-input", "text": "hello"})
                await ancestor.until("backend-synth-complete")
                async with asyncio.timeout(20):
                    async for line in events.content:
                        if line.startswith(b"data:") and json.loads(line[5:])["event"] == "turn_begin":
                            break
            one = await (await client.get(f"/api/sessions/{told['id']}")).json()
            assert one["nodes"]["agent"]["count"] > 0
            metrics = await (await client.get("/metrics")).text()
            assert "vaidol_sessions 1.0" in metrics
            assert 'vaidol_node_frames_total{kind="t.parrot",node="agent",pipeline="parrot"}' in metrics
            assert (await client.get("/api/sessions/none")).status == 404
            interrupted = await client.post("/api/interrupt", json={"session": told["id"]})
            assert (await interrupted.json())["sessions"] == [told["id"]]

    asyncio.run(main())


def test_it_is_ended_from_outside_and_the_client_is_told() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            (told,) = (await (await client.get("/api/sessions")).json())["sessions"]
            assert (await client.delete("/api/sessions/none")).status == 404
            assert (await client.delete(f"/api/sessions/{told['id']}")).status == 204
            assert "ended by the operator" in (await ancestor.until("error"))["message"]
            assert (await ancestor.socket.receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
            async with asyncio.timeout(10):
                while len(client.app[SERVER].sessions):  # noqa: ASYNC110  # over real sockets
                    await asyncio.sleep(0.02)
            assert (await (await client.get("/api/sessions")).json())["sessions"] == []
            assert (await client.delete(f"/api/sessions/{told['id']}")).status == 404

    asyncio.run(main())


def test_its_pipeline_is_changed_and_it_still_gets_whole_sentences() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            (told,) = (await (await client.get("/api/sessions")).json())["sessions"]
            whole: dict[str, Any] = {**PIPELINE, "about": "another"}
            answer = await client.put(f"/api/sessions/{told['id']}/pipeline", data=json.dumps(whole))
            assert answer.status == 200, await answer.text()
            await ancestor.say({"type": "text-input", "text": "hello"})
            assert (await ancestor.until("audio"))["display_text"]["text"] == "You said hello."

    asyncio.run(main())


def test_what_it_did_is_recorded(tmp_path: Any) -> None:
    async def main() -> None:
        options = Options(recording=RecordingOptions(folder=tmp_path, seconds=30))
        async with serving(PIPELINE, options, kinds=KINDS) as client, joined(client) as ancestor:
            (told,) = (await (await client.get("/api/sessions")).json())["sessions"]
            await ancestor.say({"type": "text-input", "text": "hello"})
            await ancestor.until("backend-synth-complete")
            answer = await client.post(f"/api/sessions/{told['id']}/dump")
            assert answer.status == 201, await answer.text()
            assert (await answer.json())["frames"] > 0

    asyncio.run(main())


def test_the_client_is_told_when_the_server_stops() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            closing = asyncio.get_running_loop().create_task(client.server.close())
            assert "server stops" in (await ancestor.until("error"))["message"]
            await closing

    asyncio.run(main())

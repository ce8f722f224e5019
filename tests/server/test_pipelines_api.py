"""Changing the pipeline of a call over REST: what is told, what is refused, and that the call goes on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from pydantic import SecretStr

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Audio
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.written import MASK
from vaidol.server.app import SERVER, Options
from vaidol.tests.server.client import Caller, call, serving


class EffectSettings(Settings):
    gain: float = 1
    """Factor."""
    api_key: SecretStr = SecretStr("")
    """A secret."""
    slow_s: float = 0
    """How long it opens, s."""
    broken: bool = False
    """It does not open."""


class Effect(Node[EffectSettings]):
    """t.effect: make sound louder.  audio (Audio) -> audio (Audio)"""

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)

    async def open(self) -> None:
        await self.ctx.clock.sleep(self.settings.slow_s)
        if self.settings.broken:
            raise ProviderError("the effect has no model")

    def process(self, port: str, frame: Audio) -> None:
        self.emit("audio", frame)


KINDS = Registry("vaidol.nodes", extra={"t.effect": Effect})
PIPELINE: dict[str, Any] = {
    "version": 1,
    "name": "effect",
    "nodes": {
        "mic": {"use": "webrtc.in"}, "effect": {"use": "t.effect", "with": {"api_key": "hunter2"}},
        "out": {"use": "webrtc.out"}, "page": {"use": "webrtc.data"},
    },
    "edges": ["mic.audio -> effect.audio", "effect.audio -> out.audio", "out.spoken -> page.spoken"],
}  # fmt: skip


async def asked(client: TestClient[Any, Any], method: str, path: str, **how: Any) -> tuple[int, Any]:
    async with client.request(method, path, **how) as response:
        return response.status, await response.json()


async def in_call(client: TestClient[Any, Any]) -> tuple[Caller, str]:
    caller = await call(client)
    await caller.message("hello")
    session = next(iter(client.app[SERVER].sessions))  # type: ignore[union-attr]
    await caller.until(lambda: session.graph is not None, "an open graph")
    return caller, f"/api/sessions/{session.id}"


def test_a_call_is_changed_rolled_back_and_tells_its_history() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            caller, base = await in_call(client)
            status, told = await asked(client, "GET", f"{base}/pipeline")
            assert (status, told["revision"], told["can_go_back"], told["pending"]) == (200, 1, False, None)
            assert "effect: {use: t.effect, with: {api_key: '**********'}}" in told["yaml"]
            assert "hunter2" not in json.dumps(told)

            edited = told["yaml"].replace(f"'{MASK}'", f"'{MASK}', gain: 2")
            status, dry = await asked(client, "PUT", f"{base}/pipeline?dry_run=1", data=edited)
            assert (status, dry["dry_run"], dry["diff"]["text"]) == (200, True, "effect: gain")
            status, change = await asked(client, "PUT", f"{base}/pipeline?revision=1", data=edited)
            assert (status, change["outcome"], change["revision"], change["at"]) == (200, "applied", 2, "frame")
            graph = next(iter(client.app[SERVER].sessions)).graph  # type: ignore[union-attr]
            assert graph is not None
            assert graph.node("effect").settings.gain == 2
            assert graph.node("effect").settings.api_key.get_secret_value() == "hunter2", "masked means unchanged"

            patch = {"nodes": {"effect": {"use": "t.effect", "with": {"gain": 3}}}}
            status, change = await asked(client, "PUT", f"{base}/pipeline", json=patch)
            assert (status, change["diff"]["replaced"][0]["settings"]) == (200, ["gain"])
            status, refused = await asked(client, "PUT", f"{base}/pipeline?revision=1", data=edited)
            assert (status, refused["error"]["code"]) == (409, "revision")
            for gain in (2, 1):
                assert (await asked(client, "POST", f"{base}/rollback"))[0] == 200
                assert graph.node("effect").settings.gain == gain
            assert (await asked(client, "POST", f"{base}/rollback"))[1]["error"]["code"] == "failed"
            _, history = await asked(client, "GET", f"{base}/history")
            assert [one["cause"] for one in history["changes"]] == ["edit", "edit", "rollback", "rollback"]
            assert "hunter2" not in json.dumps(history)
            await caller.close()

    asyncio.run(main())


def test_what_is_wrong_is_told_with_its_place_and_touches_nothing() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            caller, base = await in_call(client)
            _, told = await asked(client, "GET", f"{base}/pipeline")
            text = told["yaml"]
            status, wrong = await asked(client, "PUT", f"{base}/pipeline", data=text.replace("t.effect", "t.effct"))
            assert (status, wrong["error"]["code"]) == (422, "invalid")
            problem = wrong["problems"][0]
            assert problem["line"] == text[: text.index("t.effect")].count("\n") + 1
            assert problem["column"] == 17
            assert "did you mean 't.effect'" in problem["message"]
            for body, code in (("a: [", "invalid"), (text.replace(f"'{MASK}'", f"'{MASK}x'"), "invalid")):
                status, wrong = await asked(client, "PUT", f"{base}/pipeline", data=body)
                assert (status, wrong["error"]["code"]) == (422, code)
            broken = {"nodes": {"effect": {"use": "t.effect", "with": {"broken": True}}}}
            status, wrong = await asked(client, "PUT", f"{base}/pipeline", json=broken)
            assert (status, wrong["error"]) == (422, {"code": "failed", "message": "effect: the effect has no model"})
            for path, how, expected in (
                ("pipeline?at=soon", {"json": {}}, 400),
                ("pipeline", {"json": [1]}, 400),
                ("pipeline", {"data": b"\xff\xfe"}, 400),
                ("pipeline", {"json": {"nodes": {"effect": {"with": {"gain": "loud"}}}}}, 422),
                ("pipeline", {"data": "version: 1\nextends: ../../x.yaml\n"}, 422),
            ):
                assert (await asked(client, "PUT", f"{base}/{path}", **how))[0] == expected, path
            assert (await asked(client, "GET", "/api/sessions/nobody/pipeline"))[1]["error"]["code"] == "no_session"
            assert (await asked(client, "GET", f"{base}/pipeline"))[1]["revision"] == 1
            caller.levels.clear()
            await caller.until(lambda: len(caller.levels) > 25 and max(caller.levels) > 0.05, "sound")
            await caller.close()

    asyncio.run(main())


def test_two_edits_at_once() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            caller, base = await in_call(client)
            slow = {"nodes": {"effect": {"use": "t.effect", "with": {"slow_s": 1.0}}}}
            first = asyncio.ensure_future(asked(client, "PUT", f"{base}/pipeline", json=slow))
            await asyncio.sleep(0.2)
            _, told = await asked(client, "GET", f"{base}/pipeline")
            assert told["pending"]["step"] == "loading"
            other = {"nodes": {"effect": {"use": "t.effect", "with": {"gain": 2}}}}
            status, refused = await asked(client, "PUT", f"{base}/pipeline", json=other)
            assert status == 409
            assert refused["change"]["diff"]["text"] == "effect: slow_s"
            assert (await first)[0] == 200
            await caller.close()

    asyncio.run(main())


def test_every_end_of_the_graph_can_be_swapped_in_a_call() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            caller, base = await in_call(client)
            await caller.until(lambda: any(level > 0.05 for level in caller.levels), "sound")
            for _ in range(2):
                patch = {"nodes": {"out": {"with": {"live": _ == 0}}}}
                status, change = await asked(client, "PUT", f"{base}/pipeline?at=now", json=patch)
                assert (status, change["outcome"]) == (200, "applied"), change
                caller.levels.clear()
                await caller.until(lambda: sum(level > 0.05 for level in caller.levels) > 20, "sound after the swap")
            moved = {
                "nodes": {"page": None, "screen": {"use": "webrtc.data"}},
                "edges": ["out.spoken -> screen.spoken"],
            }
            assert (await asked(client, "PUT", f"{base}/pipeline", json=moved))[0] == 200
            graph = next(iter(client.app[SERVER].sessions)).graph  # type: ignore[union-attr]
            assert graph is not None
            assert "page" not in graph.cells
            await caller.close()

    asyncio.run(main())


def test_new_sessions_and_running_ones_get_another_pipeline() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            caller, base = await in_call(client)
            patch = {"nodes": {"effect": {"use": "t.effect", "with": {"gain": 2}}}}
            status, told = await asked(client, "PUT", "/api/pipeline", json=patch)
            assert (status, told["sessions"]) == (200, [])
            assert (await asked(client, "GET", f"{base}/pipeline"))[1]["revision"] == 1
            assert "gain: 2" in (await asked(client, "GET", "/api/pipeline"))[1]["yaml"]
            patch = {"nodes": {"effect": {"use": "t.effect", "with": {"gain": 3}}}}
            status, told = await asked(client, "PUT", "/api/pipeline?running=1", json=patch)
            assert [one["outcome"] for one in told["sessions"]] == ["applied"]
            async with client.get("/health") as response:
                assert (await response.json())["status"] == "ok"
            await caller.close()

    asyncio.run(main())


@pytest.mark.parametrize("path", ["/api/pipeline", "/api/sessions/x/pipeline"])
def test_strangers_may_not_change_anything(path: str) -> None:
    async def main() -> None:
        async with serving(PIPELINE, Options(token="secret"), KINDS) as client:
            assert (await asked(client, "PUT", path, json={}))[0] == 401
            foreign = {"Origin": "https://evil.example", "Authorization": "Bearer secret"}
            assert (await asked(client, "PUT", path, json={}, headers=foreign))[0] == 403

    asyncio.run(main())


def test_an_edit_reads_no_other_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMETHING_PRIVATE", "hunter3")

    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            status, told = await asked(client, "PUT", "/api/pipeline", json={"about": "${SOMETHING_PRIVATE}"})
            assert status == 422
            assert "hunter3" not in json.dumps(told)
            assert "SOMETHING_PRIVATE" in told["error"]["message"]

    asyncio.run(main())

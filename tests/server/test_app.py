"""The web side: the page's files, health while models load, and every way an offer can be wrong."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Audio
from vaidol.graph.node import Need, Node, Progress, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.server import app as app_module
from vaidol.server import preload
from vaidol.server.app import SERVER, Options
from vaidol.tests.server.client import ECHO, call, new_caller, offer_of, serving

SDP = {"Content-Type": "application/sdp"}


class Slow(Node[Settings]):
    """Needs something that loads until the test says so."""

    inputs = (Port("audio", Audio),)
    go = threading.Event()
    broken: Exception | None = None

    @classmethod
    def needs(cls, settings: Settings) -> tuple[Need, ...]:
        return (Need("slow", "a slow model", cls.load),)

    @classmethod
    def load(cls, progress: Progress) -> object:
        progress(0.5, "half of it")
        cls.go.wait(20)
        if cls.broken is not None:
            raise cls.broken
        return "loaded"

    def process(self, port: str, frame: Audio) -> None:
        assert self.ctx.shared("slow") == "loaded"


KINDS = Registry("vaidol.nodes", extra={"t.slow": Slow})
PIPELINE: dict[str, Any] = {
    **ECHO,
    "nodes": {**ECHO["nodes"], "model": {"use": "t.slow"}},
    "edges": [*ECHO["edges"], "mic.audio -> model.audio"],
}


async def health(client: TestClient[Any, Any]) -> tuple[int, dict[str, Any]]:
    async with client.get("/health") as response:
        return response.status, await response.json()


async def until(client: TestClient[Any, Any], status: str) -> dict[str, Any]:
    for _ in range(500):
        _, told = await health(client)
        if told["status"] == status:
            return told
        await asyncio.sleep(0.01)
    raise AssertionError(f"never {status}: {told}")


async def an_offer() -> str:
    caller = new_caller()
    try:
        return await offer_of(caller)
    finally:
        await caller.close()


def test_health_answers_while_a_model_loads() -> None:
    Slow.go, Slow.broken = threading.Event(), None

    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            await asyncio.sleep(0.05)
            code, told = await health(client)
            assert (code, told["status"], told["pipeline"], told["sessions"]) == (200, "loading", "echo", 0)
            assert told["nodes"]["mic"]["state"] == "ready"
            model = told["nodes"]["model"]
            assert model == {
                "state": "loading", "about": "a slow model", "progress": 0.5, "step": "half of it", "error": ""
            }  # fmt: skip
            async with client.post("/whip", data=await an_offer(), headers=SDP) as refused:
                assert refused.status == 503
                assert (await refused.json())["error"]["code"] == "loading"
                assert int(refused.headers["Retry-After"]) > 0
            Slow.go.set()
            told = await until(client, "ok")
            assert told["nodes"]["model"]["state"] == "ready"
            caller = await call(client)
            assert (await health(client))[1]["sessions"] == 1
            await caller.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ProviderError("the model is not here: run `vaidol models pull slow`"), "vaidol models pull slow"),
        (ZeroDivisionError("secret"), "loading failed: ZeroDivisionError"),
    ],
)
def test_a_model_that_fails_is_named_and_tried_again(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Slow.go, Slow.broken = threading.Event(), error
    Slow.go.set()
    monkeypatch.setattr(preload, "RETRY_S", (0.3,))

    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            told = await until(client, "failed")
            assert (await health(client))[0] == 503
            assert said in told["nodes"]["model"]["error"]
            assert "secret" not in json.dumps(told)
            async with client.post("/whip", data=await an_offer(), headers=SDP) as refused:
                assert refused.status == 503
                assert said in (await refused.json())["error"]["message"]
            Slow.broken = None
            await until(client, "ok")

    asyncio.run(main())


def test_a_node_with_a_ready_stand_in_is_not_required() -> None:
    Slow.go, Slow.broken = threading.Event(), ProviderError("gone")
    Slow.go.set()
    pipeline = json.loads(json.dumps(PIPELINE))
    pipeline["nodes"]["model"] |= {"on_error": {"policy": "fallback"}, "fallback": "spare"}
    pipeline["nodes"]["spare"] = {"use": "t.spare"}

    class Spare(Slow):
        inputs = (Port("audio", Audio, optional=True),)

        @classmethod
        def needs(cls, settings: Settings) -> tuple[Need, ...]:
            return ()

    kinds = Registry("vaidol.nodes", extra={"t.slow": Slow, "t.spare": Spare})

    async def main() -> None:
        async with serving(pipeline, kinds=kinds) as client:
            told = await until(client, "ok")
            assert told["nodes"]["model"]["state"] in ("failed", "loading")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"v=0\r\n", {"Content-Type": "text/plain"}, 415),
        (b"v=0\r\n", {}, 415),
        (b"\xff\xfe", SDP, 400),
        (b"", SDP, 400),
        (b"not sdp", SDP, 400),
        (b"v=0\r\n", SDP, 422),
        (b"v=0\r\n" + b"a=x\r\n" * 20_000, SDP, 413),
        (b"v=0\r\n", {**SDP, "Origin": "https://evil.example"}, 403),
        (b"v=0\r\n", {**SDP, "Origin": "null"}, 403),
        (b"v=0\r\n", {**SDP, "Host": "rebound.example:12393"}, 403),
    ],
)
def test_bad_offers_get_an_error_as_json(body: bytes, headers: dict[str, str], status: int) -> None:
    async def main() -> None:
        async with serving() as client:
            async with client.post("/whip", data=body, headers=headers) as response:
                assert response.status == status
                error = (await response.json())["error"]
                assert error["code"]
                assert "Traceback" not in error["message"]
            assert len(client.app[SERVER].sessions) == 0

    asyncio.run(main())


def test_an_offer_that_cannot_be_met_leaves_nothing_behind() -> None:
    async def main() -> None:
        async with serving() as client:
            bad = (await an_offer()).replace("a=ice-pwd", "a=x-pwd")
            async with client.post("/whip", data=bad, headers=SDP) as response:
                assert response.status in (400, 422)
            for _ in range(100):
                if not len(client.app[SERVER].sessions):
                    break
                await asyncio.sleep(0.01)
            assert len(client.app[SERVER].sessions) == 0

    asyncio.run(main())


def test_the_page_and_its_files() -> None:
    async def main() -> None:
        async with serving() as client:
            for path, kind in (
                ("/", "text/html"), ("/web/js/main.js", "text/javascript"), ("/web/style.css", "text/css"),
                ("/web/puppet.svg", "image/svg+xml"),
            ):  # fmt: skip
                async with client.get(path) as response:
                    assert (response.status, response.content_type) == (200, kind), path
                    assert response.headers["Cache-Control"] == "no-cache"
                    assert response.headers["X-Content-Type-Options"] == "nosniff"
                    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
            for path in ("/nothing", "/web/", "/web/js", "/web/none.js", "/api/nothing", "/whip/x"):
                async with client.get(path) as response:
                    assert response.status in (404, 405), path
                    assert (await response.json())["error"]["message"]

    asyncio.run(main())


def test_nothing_outside_the_page_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web = tmp_path / "web"
    web.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (web / "link.txt").symlink_to(tmp_path / "secret.txt")
    (web / ".hidden.txt").write_text("secret")
    (web / "code.py").write_text("secret")
    (web / "fine.txt").write_text("fine")
    monkeypatch.setattr(app_module, "WEB", web)

    async def main() -> None:
        async with serving() as client:
            assert await (await client.get("/web/fine.txt")).text() == "fine"
            names = ("link.txt", ".hidden.txt", "code.py", "%2e%2e/secret.txt", "..%2fsecret.txt", "a%00b.txt")
            for name in (*names, f"/{tmp_path}/secret.txt", "x" * 5000):
                reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
                writer.write(f"GET /web/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                answer = await reader.read()
                writer.close()
                await writer.wait_closed()
                assert b" 404 " in answer.partition(b"\r\n")[0], name
                assert b"secret" not in answer.partition(b"\r\n\r\n")[2]

    asyncio.run(main())


def test_a_token_opens_the_door() -> None:
    async def main() -> None:
        async with serving(options=Options(token="open sesame ä")) as client:
            told = await (await client.get("/health")).json()
            assert told == {"status": "ok"}
            assert (await client.get("/")).status == 401
            assert (await client.post("/whip", data=await an_offer(), headers=SDP)).status == 401
            assert (await client.get("/?token=wrong")).status == 401
            asked = {"token": "open sesame ä", "captions": "1", "scale": "2"}
            async with client.get("/overlay", params=asked, allow_redirects=False) as response:
                assert response.headers["Location"] == "./overlay?captions=1&scale=2"
            client.session.cookie_jar.clear()
            bearer = {"Authorization": "Bearer open sesame ä".encode().decode("latin-1")}
            assert (await client.get("/api/sessions", headers=bearer)).status in (200, 401)
            async with client.get("/", params={"token": "open sesame ä"}, allow_redirects=False) as response:
                assert response.status == 303
                cookie = response.cookies["vaidol"]
                assert cookie["httponly"]
                assert cookie["samesite"] == "Strict"
                assert "sesame" not in cookie.value
            known = {"Cookie": f"vaidol={cookie.value}"}
            assert (await client.get("/", headers=known)).status == 200
            assert "nodes" in await (await client.get("/health", headers=known)).json()
        async with serving(options=Options(token="plain")) as client:
            assert (await client.get("/", headers={"Authorization": "Bearer plain"})).status == 200
            assert (await client.get("/", headers={"Authorization": "Bearer plainer"})).status == 401
            named = {"Authorization": "Bearer plain", "Host": "vaidol.example"}
            assert (await client.get("/", headers=named)).status == 200  # behind a reverse proxy

    asyncio.run(main())

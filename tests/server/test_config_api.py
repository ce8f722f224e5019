"""`/api/config` and `/api/pipelines`: what is told, what may be changed, and how two who change it do not collide."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from vaidol.server.app import SERVER, Options
from vaidol.server.config_api import LIVE, RESTART
from vaidol.tests.server.client import serving

KNOWN = {"Authorization": "Bearer hunter2"}


def test_options_are_told_without_secrets_and_changed_by_whoever_read_them_last(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(options=Options(token="hunter2", backgrounds=tmp_path)) as client:
            assert (await client.get("/api/config")).status == 401
            first = await client.get("/api/config", headers=KNOWN)
            assert "hunter2" not in await first.text()
            told = await first.json()
            assert told["pipeline"] == "echo"
            assert told["options"]["token"] is True
            assert told["options"]["backgrounds"] == str(tmp_path)
            flat = {*told["options"], *(f"recording.{name}" for name in told["options"]["recording"])} - {"recording"}
            assert flat == {*LIVE, *RESTART}
            tag = first.headers["ETag"]
            body = {"max_sessions": 3, "grace_s": 5, "recording": {"keep_days": 2}}
            assert (await client.patch("/api/config", json=body, headers=KNOWN)).status == 428
            changed = await client.patch("/api/config", json=body, headers={**KNOWN, "If-Match": tag})
            assert changed.status == 200, await changed.text()
            options = (await changed.json())["options"]
            assert (options["max_sessions"], options["grace_s"], options["recording"]["keep_days"]) == (3, 5, 2)
            assert options["recording"]["keep_mb"] == told["options"]["recording"]["keep_mb"]
            server = client.app[SERVER]
            assert (server.sessions.limit, server.sessions.grace_s, server.recordings.options.keep_days) == (3, 5, 2)
            late = await client.patch("/api/config", json={"max_sessions": 9}, headers={**KNOWN, "If-Match": tag})
            assert late.status == 412
            assert server.sessions.limit == 3
            assert changed.headers["ETag"] == (await client.get("/api/config", headers=KNOWN)).headers["ETag"] != tag

    asyncio.run(main())


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"max_sessions": 0}, 422, "max_sessions"),
        ({"max_sessions": "many"}, 422, "max_sessions"),
        ({"recording": {"seconds": -1}}, 422, "recording.seconds"),
        ({"recording": {"folder": "/etc"}}, 422, "recording.folder"),
        ({"token": ""}, 422, "token"),
        ({"colour": "red"}, 422, "colour"),
        ({"avatar": "nobody"}, 422, "avatar"),
        ([], 400, None),
    ],
)
def test_a_wrong_option_is_named(body: object, status: int, path: str | None) -> None:
    async def main() -> None:
        async with serving() as client:
            before = await (await client.get("/api/config")).json()
            answer = await client.patch("/api/config", json=body, headers={"If-Match": "*"})
            assert answer.status == status
            error = (await answer.json())["error"]
            assert error.get("path") == path
            assert error.get("restart_required", False) == (path in RESTART)
            assert await (await client.get("/api/config")).json() == before

    asyncio.run(main())


def test_a_lower_limit_lets_nobody_in_who_would_be_too_many() -> None:
    async def main() -> None:
        async with serving() as client:
            server = client.app[SERVER]
            with server.sessions.place():
                answer = await client.patch("/api/config", json={"max_sessions": 1}, headers={"If-Match": "*"})
                assert answer.status == 200
                assert (await client.get("/client-ws")).status == 503

    asyncio.run(main())


def test_the_pipelines_there_are_are_listed_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    async def main() -> None:
        async with serving() as client:
            told = await (await client.get("/api/pipelines")).json()
            assert told["served"]["name"] == "echo"
            rows = {row["name"]: row for row in told["pipelines"]}
            assert rows["default"]["ok"]
            assert rows["default"]["about"]
            assert all(row["ok"] or row["problem"] for row in rows.values())

    asyncio.run(main())

"""The routes of models and runtime: what is told, what is served, what is refused."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from tests.server.live2d_files import expression, picture, write_model
from vaidol.server.app import Options
from vaidol.tests.server.client import serving

FILES = ("pixi.min.js", "live2dcubismcore.min.js", "cubism4.min.js")
MIA = "mia/mia.model3.json"


def options(tmp_path: Path, **more: Any) -> Options:
    write_model(
        tmp_path / "models" / "mia", expressions={"smile": expression(), "f01": expression(X=1)}, motions={"Tap": ["t"]}
    )
    return Options(live2d_models=(tmp_path / "models",), **more)


def test_info_tells_models_runtime_and_the_first_avatar(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(options=options(tmp_path, avatar="mia")) as client:
            async with client.get("/live2d-models/info") as response:
                told = await response.json()
            assert (told["type"], told["count"], told["avatar"]) == ("live2d-models/info", 1, "mia")
            [mia] = told["characters"]
            assert {"name": "mia", "avatar": None, "model_path": f"/live2d-models/{MIA}"}.items() <= mia.items()
            assert told["runtime"]["ready"] is told["runtime"]["configured"] is False
            assert [missing["name"] for missing in told["runtime"]["missing"]] == list(FILES)
            assert told["runtime"]["licence"].startswith("https://www.live2d.com/")
            assert str(tmp_path) not in json.dumps(told)

    asyncio.run(main())


def test_files_come_with_their_type_and_in_parts(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(options=options(tmp_path)) as client:
            for name, kind in ((MIA, "application/json"), ("mia/mia.moc3", "application/octet-stream")):
                async with client.get(f"/live2d-models/{name}") as response:
                    assert (response.status, response.content_type) == (200, kind)
                    assert "Access-Control-Allow-Origin" not in response.headers
            part = {"Range": "bytes=1-3", "Origin": "http://localhost:3000"}
            async with client.get("/live2d-models/mia/textures/0.png", headers=part) as response:
                assert (response.status, response.content_type) == (206, "image/png")
                assert await response.read() == picture()[1:4]
                assert response.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
            for origin in ("http://localhost.evil.example", "null", "http://[", "https://evil.example"):
                async with client.get("/live2d-models/info", headers={"Origin": origin}) as response:
                    assert "Access-Control-Allow-Origin" not in response.headers

    asyncio.run(main())


def test_nothing_outside_the_folder_is_served(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("secret")
    wanted = options(tmp_path)
    models = tmp_path / "models"
    (models / "link.json").symlink_to(tmp_path / "secret.json")
    (models / "out").symlink_to(tmp_path)
    (models / "mia" / ".hidden.json").write_text("secret")
    (models / "mia" / "art.cmo3").write_text("secret")
    tries = (
        "..%2fsecret.json", "mia/..%2f..%2fsecret.json", "%2e%2e/secret.json", "link.json", "out/secret.json",
        "mia/.hidden.json", "mia/art.cmo3", "mia", "mia%00.json", f"{'a/' * 3000}x.json", "%2fetc/passwd",
        "..%5csecret.json",
    )  # fmt: skip

    async def get(response: ClientResponse) -> tuple[int, bytes]:
        return response.status, await response.read()

    async def main() -> None:
        async with serving(options=wanted) as client:
            for name in tries:
                async with client.get(f"/live2d-models/{name}") as response:
                    status, body = await get(response)
                    assert status in (400, 404), name
                    assert b"secret" not in body

    asyncio.run(main())


def test_notes_are_saved_beside_the_model_and_used_at_once(tmp_path: Path) -> None:
    notes = {
        "emotions": {"anger": "f01", "joy": ""}, "parameters": {"ParamMouthOpenY": ["ParamJaw"]}, "scale": 1.5,
        "touch": {"Head": "Tap", "Body": ""}, "motions": {"nod": {"group": "Tap"}},
    }  # fmt: skip

    async def main() -> None:
        async with serving(options=options(tmp_path)) as client:
            async with client.put(f"/live2d-models/{MIA}", json=notes) as response:
                assert response.status == 200, await response.text()
                put = await response.json()
            async with client.get("/live2d-models/info") as response:
                [mia] = (await response.json())["characters"]
            assert put == mia
            assert mia["emotions"] == {"smirk": "smile", "love": "smile", "anger": "f01"}
            assert mia["channels"]["ParamMouthOpenY"][0] == ["ParamJaw"]
            assert (mia["scale"], mia["touch"]) == (1.5, {"Head": "Tap"})
            assert mia["motion_names"]["nod"] == {"group": "Tap", "index": 0}

    asyncio.run(main())
    assert json.loads((tmp_path / "models" / "mia" / "mia.vaidol.json").read_text())["scale"] == 1.5
    assert [path.name for path in (tmp_path / "models" / "mia").glob(".*")] == []


@pytest.mark.parametrize(
    ("name", "body", "status", "said"),
    [
        (MIA, '{"emotions": {"joy": "grin"}}', 422, "emotions.joy: no expression 'grin'; there are: smile, f01"),
        (MIA, '{"motions": {"nod": {"group": "Tap", "index": 1}}}', 422, "group 'Tap' has 1 motions"),
        (MIA, '{"touch": {"Head": "Flick"}}', 422, "no motion group 'Flick'; there are: Tap"),
        (MIA, '{"feelings": {}}', 422, "feelings: "),
        (MIA, '{"scale": 99}', 422, "scale: "),
        (MIA, "[]", 422, "the file: "),
        (MIA, "{", 400, "one JSON object"),
        ("mia/no.model3.json", "{}", 404, f"there are: {MIA}"),
        ("../x.model3.json", "{}", 404, "nothing at this address"),
    ],
)
def test_wrong_notes_are_refused_with_the_reason(name: str, body: str, status: int, said: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serving(options=options(tmp_path)) as client,
            client.put(f"/live2d-models/{name}", data=body) as response,
        ):
            assert response.status == status
            assert said in (await response.json())["error"]["message"]

    asyncio.run(main())
    assert not (tmp_path / "models" / "mia" / "mia.vaidol.json").exists()


def test_clients_of_the_ancestor_get_the_model(tmp_path: Path) -> None:
    wanted = options(tmp_path, avatar="lee")
    faces = {"smile": expression(), "angry": expression()}
    write_model(tmp_path / "models" / "lee" / "runtime", "lee", expressions=faces, motions={"TapBody": ["t"]})

    async def main() -> None:
        async with serving(options=wanted) as client, client.ws_connect("/client-ws") as socket:
            while (told := await socket.receive_json())["type"] != "set-model-and-conf":
                pass
            model = told["model_info"]
            assert (model["name"], model["url"]) == ("lee", "/live2d-models/lee/runtime/lee.model3.json")
            assert (model["emotionMap"]["joy"], model["emotionMap"]["anger"]) == (0, 1)
            assert model["tapMotions"] == {"HitArea2": {"TapBody": 1}}
            async with client.get(model["url"]) as response:
                assert response.status == 200

    asyncio.run(main())


def test_pages_of_others_and_strangers_may_not_write(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(options=options(tmp_path)) as client:
            foreign = {"Origin": "http://localhost:3000"}
            async with client.put(f"/live2d-models/{MIA}", data="{}", headers=foreign) as response:
                assert response.status == 403
        async with serving(options=options(tmp_path, token="t0ken")) as client:
            for method, path in (("PUT", MIA), ("GET", "info"), ("GET", MIA)):
                async with client.request(method, f"/live2d-models/{path}", data="{}") as response:
                    assert response.status == 401

    asyncio.run(main())


@pytest.mark.parametrize(
    ("names", "evals"),
    [
        (FILES, "'unsafe-eval'"),
        ((*FILES, "unsafe-eval.min.js"), "'wasm-unsafe-eval'"),
        (
            ("pixi.js/dist/browser/pixi.min.js", FILES[1], "pixi-live2d-display/dist/cubism4.min.js"),
            "'unsafe-eval'",
        ),
    ],
)
def test_a_runtime_is_served_and_the_page_may_run_it(names: tuple[str, ...], evals: str, tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    for name in (*names, "other.js"):
        (runtime / name).parent.mkdir(parents=True, exist_ok=True)
        (runtime / name).write_text("run();")

    async def main() -> None:
        async with serving(options=options(tmp_path, live2d_runtime=runtime)) as client:
            async with client.get("/live2d-models/info") as response:
                told = (await response.json())["runtime"]
            assert told["ready"] is True
            assert set(told["scripts"]) == {f"live2d-runtime/{name}" for name in names}
            assert "pixi" in told["scripts"][0]
            for script in told["scripts"]:
                async with client.get(f"/{script}") as response:
                    assert (response.content_type, await response.text()) == ("text/javascript", "run();")
            for name in ("other.js", "../models/mia/mia.moc3", "%2e%2e/x.js"):
                async with client.get(f"/live2d-runtime/{name}") as response:
                    assert response.status == 404
            for page in ("/", "/overlay"):
                async with client.get(page) as response:
                    policy = response.headers["Content-Security-Policy"]
                assert f"script-src 'self' {evals};" in policy
        async with serving(options=options(tmp_path)) as client, client.get("/") as response:
            assert "eval" not in response.headers["Content-Security-Policy"]

    asyncio.run(main())

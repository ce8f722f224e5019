"""The ancestor's web client at `/olv/`, and pages of other origins that are let in."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

import pytest
from aiohttp import WSServerHandshakeError

from vaidol.server.app import Options
from vaidol.server.cli import outside
from vaidol.server.cli.wrong import Wrong
from vaidol.tests.server.ancestor import KINDS, PIPELINE, loaded
from vaidol.tests.server.client import serving
from vaidol.tests.server.live2d_files import write_model

DEV = "http://localhost:3000"


def test_the_web_client_is_served_as_it_is_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "web" / "libs").mkdir(parents=True)
    (tmp_path / "web" / "index.html").write_text("<p>stock")
    (tmp_path / "web" / "libs" / "vad.onnx").write_bytes(b"net")
    (tmp_path / "web" / ".env.js").write_text("secret")
    (tmp_path / "secret.js").write_text("secret")
    os.symlink(tmp_path / "secret.js", tmp_path / "web" / "link.js")

    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS, options=Options(olv_web=tmp_path / "web")) as client:
            page = await client.get("/olv")  # led on to /olv/
            assert (page.url.path, await page.text()) == ("/olv/", "<p>stock")
            policy = page.headers["Content-Security-Policy"]
            assert "'wasm-unsafe-eval'" in policy
            assert "script-src 'self' 'unsafe-inline'" not in policy
            assert await (await client.get("/olv/libs/vad.onnx")).read() == b"net"
            for name in ("link.js", "..%2Fsecret.js", ".env.js", "none.js", "libs"):
                assert (await client.get(f"/olv/{name}")).status == 404
        async with serving(PIPELINE, kinds=KINDS) as client:
            assert (await client.get("/olv/")).status == 404

    asyncio.run(main())


def test_pages_of_the_origins_that_are_named_are_let_in_and_no_others(tmp_path: Path) -> None:
    write_model(tmp_path / "models", "mo")
    (tmp_path / "sky.png").write_bytes(b"sky")

    async def main() -> None:
        folders = {"live2d_models": (tmp_path / "models",), "backgrounds": tmp_path}
        options = Options(allow_origin=(DEV, "file://"), **folders)
        async with serving(PIPELINE, kinds=KINDS, options=options) as client:
            await loaded(client)
            for origin in (DEV, "file://"):
                await (await client.ws_connect("/client-ws", headers={"Origin": origin})).close()
            for origin in ("http://localhost:3001", "null", "https://evil.example"):
                with pytest.raises(WSServerHandshakeError) as refused:
                    await client.ws_connect("/client-ws", headers={"Origin": origin})
                assert refused.value.status == 403
            info = await client.get("/live2d-models/info", headers={"Origin": "null"})  # as a file's page asks
            assert info.headers["Access-Control-Allow-Origin"] == "null"
            evil = await client.get("/live2d-models/info", headers={"Origin": "https://evil.example"})
            assert "Access-Control-Allow-Origin" not in evil.headers
            assert (await client.get("/bg/sky.png")).headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        async with serving(PIPELINE, kinds=KINDS, options=Options(**folders)) as client:
            info = await client.get("/live2d-models/info", headers={"Origin": "null"})
            assert "Access-Control-Allow-Origin" not in info.headers
            assert (await client.get("/bg/sky.png")).headers["Cross-Origin-Resource-Policy"] == "same-origin"

    asyncio.run(main())


def test_all_names_of_this_machine_are_one_with_the_same_port() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            await loaded(client)
            port = client.make_url("/").port
            for name in ("localhost", "127.0.0.1", "[::1]", "vaidol.localhost"):
                await (await client.ws_connect("/client-ws", headers={"Origin": f"http://{name}:{port}"})).close()
            evil = (
                f"localhost.evil.example:{port}",
                f"127.0.0.1.evil.example:{port}",
                "localhost",
                "localhost:x",
                "[::",
            )
            for name in evil:
                with pytest.raises(WSServerHandshakeError) as refused:
                    await client.ws_connect("/client-ws", headers={"Origin": f"http://{name}"})
                assert refused.value.status == 403

    asyncio.run(main())


def test_a_socket_may_bring_the_token_in_its_address() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS, options=Options(token="t t")) as client:
            await loaded(client)
            await (await client.ws_connect("/client-ws?token=t%20t")).close()
            with pytest.raises(WSServerHandshakeError) as refused:
                await client.ws_connect("/client-ws?token=no")
            assert refused.value.status == 401

    asyncio.run(main())


@pytest.mark.parametrize(
    "wrong", [["--allow-origin", "localhost"], ["--allow-origin", "http://a/b"], ["--olv-web", "/nowhere"]]
)
def test_a_wrong_option_is_told(wrong: list[str]) -> None:
    options = argparse.ArgumentParser()
    outside.add(options)
    outside.add_client(options)
    given = options.parse_args(wrong)
    with pytest.raises(Wrong, match=wrong[0]):
        outside.origins(given), outside.web_client(given)
    fine = options.parse_args(["--allow-origin", DEV, "--allow-origin", "file://"])
    assert outside.origins(fine) == (DEV, "file://")

"""Who may do what from where: origins, tokens, proxies, certificates, and clients that take for ever."""

from __future__ import annotations

import asyncio
import base64
import datetime
import logging
import re
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from aiohttp.test_utils import TestClient

from vaidol.server import slow
from vaidol.server.access import BRINGS, PROTOCOL
from vaidol.server.app import SERVER, WEB, Options
from vaidol.tests.server.ancestor import KINDS, PIPELINE, joined, loaded
from vaidol.tests.server.client import call, serving

SOCKETS = ("/client-ws", "/api/inspect")
FOR, PROTO, HOST = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"


def brought(token: str) -> tuple[str, str]:
    return PROTOCOL, BRINGS + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", SOCKETS)
def test_a_socket_is_opened_by_the_token_in_its_subprotocol_and_never_by_another_site(path: str) -> None:
    async def refused(client: TestClient[Any, Any], status: int, **how: Any) -> None:
        with pytest.raises(WSServerHandshakeError) as error:
            await client.ws_connect(path, **how)
        assert error.value.status == status

    async def main() -> None:
        async with serving(options=Options(token="hünter 2")) as client:
            await loaded(client)
            async with client.ws_connect(path, protocols=brought("hünter 2")) as socket:
                assert socket.protocol == PROTOCOL  # never the one with the token in it
            await refused(client, 401)
            for wrong in (brought("hunter"), (PROTOCOL, BRINGS + "=="), (PROTOCOL, BRINGS + "/w"), (BRINGS,)):
                await refused(client, 401, protocols=wrong)
            evil = {"Origin": "https://evil.example"}
            await refused(client, 403, protocols=brought("hünter 2"), headers=evil)
            own = {"Origin": str(client.make_url("/")).rstrip("/")}
            await (await client.ws_connect(path, protocols=brought("hünter 2"), headers=own)).close()

    asyncio.run(main())


def test_every_way_to_a_socket_asks_for_the_origin() -> None:
    async def main() -> None:
        async with serving() as client:
            upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "https://evil.example"}
            for route in client.app.router.routes():
                if route.method == "GET" and route.resource is not None:
                    path = re.sub(r"\{[^}]*}", "x", route.resource.canonical)
                    assert (await client.get(path, headers=upgrade)).status == 403

    asyncio.run(main())


def told(**headers: str) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def test_only_a_trusted_proxy_says_who_asks() -> None:
    foreign = told(X_Forwarded_For="203.0.113.9", X_Forwarded_Host="vaidol.example", X_Forwarded_Proto="https")

    async def main() -> None:
        async with serving() as client:  # nobody is trusted: the headers are nothing
            assert (await client.get("/api/config", headers=foreign)).status == 200
        options = Options(token="t", trust_proxy=("127.0.0.0/8", "10.0.0.1"))
        async with serving(options=options) as client:
            welcome = await client.get("/?token=t", headers=foreign, allow_redirects=False)
            assert welcome.status == 303
            assert "Secure" in welcome.headers["Set-Cookie"]
            assert welcome.headers["Location"] == "./"
            plain = await client.get("/?token=t", headers={FOR: "203.0.113.9"}, allow_redirects=False)
            assert "Secure" not in plain.headers["Set-Cookie"]
            bearer = {"Authorization": "Bearer t"}
            for origin, status in (("https://vaidol.example", 404), ("https://evil.example", 403)):
                answer = await client.post("/api/interrupt", headers={**foreign, **bearer, "Origin": origin})
                assert answer.status == status
        async with serving(options=Options(trust_proxy=("127.0.0.1",))) as client:
            assert (await client.get("/api/config", headers=foreign)).status == 403  # a foreign name, and no token
            change = {"If-Match": "*", FOR: "127.0.0.1, 203.0.113.9, 127.0.0.1"}  # the first is the client's own lie
            assert (await client.patch("/api/config", json={"grace_s": 1}, headers=change)).status == 403
            assert (await client.patch("/api/config", json={"grace_s": 1}, headers={"If-Match": "*"})).status == 200

    asyncio.run(main())


def test_a_body_that_comes_drop_by_drop_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "BODY_S", 0.2)

    async def main() -> None:
        async with serving() as client:
            url = client.make_url("/")
            reader, writer = await asyncio.open_connection(url.host, url.port)
            head = f"POST /api/say HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 1000\r\n\r\n"
            writer.write(head.encode() + b'{"text')
            async with asyncio.timeout(10):
                assert b" 408 " in await reader.readline()
                told = await reader.readuntil(b"}}")
            assert b"Connection: close" in told
            assert b'"slow"' in told
            writer.close()
            assert (await client.get("/health")).status == 200

    asyncio.run(main())


def test_a_connection_without_a_request_is_closed_and_one_in_use_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "HEAD_S", 0.3)
    monkeypatch.setattr(slow, "LOOK_S", 0.05)

    async def main() -> None:
        async with serving() as client:
            http = client.server.runner.server
            assert http is not None
            server = client.app[SERVER]
            watch = asyncio.get_running_loop().create_task(server.patience.watch(lambda: http.connections))
            await loaded(client)
            async with client.ws_connect("/client-ws") as used:
                reader, writer = await asyncio.open_connection(client.host, client.port)
                writer.write(b"GET /health HTTP/1.1\r\nX-Slow: ")
                async with asyncio.timeout(10):
                    assert await reader.read() == b""
                writer.close()
                await used.send_json({"type": "heartbeat"})
                async with asyncio.timeout(10):
                    while (await used.receive_json())["type"] != "heartbeat-ack":
                        pass
            watch.cancel()

    asyncio.run(main())


def test_nothing_that_was_said_and_no_secret_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    known = {"Authorization": "Bearer hunter2"}

    async def main() -> None:
        options = Options(token="hunter2")
        async with serving(PIPELINE, options, kinds=KINDS) as client:
            await loaded(client)
            client.session.headers.update(known)
            async with joined(client) as ancestor:
                await ancestor.say({"type": "text-input", "text": "platypus"})
                await ancestor.until("backend-synth-complete")
                await ancestor.say({"type": "text-input", "text": "platypus fail"})
                await ancestor.until("error")
                await ancestor.say('{"type": "text-input", "text": 7, "platypus": 1}')
                await ancestor.until("error")
            caller = await call(client, microphone=False)
            caller.send({"t": "text", "text": "platypus"})
            await caller.message("subtitle", who="avatar")
            assert (await client.post("/api/say", json={"text": "The platypus swims."})).status == 200
            await caller.message("turn", status="done")
            await caller.close()

    asyncio.run(main())
    ours = [record for record in caplog.records if record.name.startswith("vaidol")]
    assert ours
    for record in ours:
        written = f"{record.getMessage()} {vars(record)}"
        assert not re.search("platypus|hunter2", written, re.IGNORECASE), written


def test_pages_and_scripts_ask_by_relative_addresses_only() -> None:
    """So that all of it works below a path of a reverse proxy."""
    absolute = re.compile(r"""(?:(?:href|src|action)=|fetch\(|new URL\(|new WebSocket\(|import )["'`]/""")
    files = [path for path in WEB.rglob("*") if path.suffix in (".html", ".js", ".css")]
    assert len(files) > 20
    for path in files:
        assert not absolute.search(path.read_text()), path


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1)).not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return cert, secret


def test_https_by_certificate(tmp_path: Path) -> None:
    from vaidol.tests.e2e.serving import free_port

    cert, key = certificate(tmp_path)
    port = free_port()

    async def main() -> None:
        import sys

        command = (sys.executable, "-m", "vaidol.server.cli", "serve", "echo", "--port", str(port))
        process = await asyncio.create_subprocess_exec(
            *command, "--cert", str(cert), "--key", str(key), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(30):
                said = await process.stdout.readline()
            assert f"https://127.0.0.1:{port}/".encode() in said
            trust = ssl.create_default_context(cafile=str(cert))
            async with ClientSession() as http, http.get(f"https://localhost:{port}/health", ssl=trust) as answer:
                assert (await answer.json())["pipeline"] == "echo"
        finally:
            process.terminate()
            await process.wait()

    asyncio.run(main())

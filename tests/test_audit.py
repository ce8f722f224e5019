"""The audit of installed packages, against a service like osv.dev on a loopback socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from vaidol.tests.audit import ACCEPTED, installed, main


@contextmanager
def service(answer: Callable[[list[dict[str, Any]]], object]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            body = json.dumps(answer(asked)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/querybatch"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def weak(asked: list[dict[str, Any]]) -> object:
    bad = {"vulns": [{"id": "GHSA-xxxx"}]}
    return {"results": [bad if one["package"]["name"] == "aiohttp" else {} for one in asked]}


def test_a_known_vulnerability_fails_and_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [name for name, _ in installed()]
    assert "pydantic-core" in names
    assert "vaidol" not in names
    with service(weak) as url:
        assert main(url) == 1
        assert "VULNERABLE: aiohttp " in capsys.readouterr().out
        monkeypatch.setitem(ACCEPTED, "GHSA-xxxx", "in a part that is not used")
        assert main(url) == 0


def test_none_is_fine_and_no_answer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with service(lambda asked: {"results": [{} for _ in asked]}) as url:
        assert main(url) == 0
        assert "0 known" in capsys.readouterr().out
    assert main(url) == 0  # nobody listens there any more
    assert "NOTICE" in capsys.readouterr().out
    for nonsense in ([], {"results": []}, {"results": 7}):
        with service(lambda _, told=nonsense: told) as url:
            assert main(url) == 0
            assert "NOTICE" in capsys.readouterr().out

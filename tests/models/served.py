"""A local web server for the download tests: what it does wrong, request by request, is data."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Act:
    """How one request is answered; the default is well-behaved."""

    status: int = 0  # an error to answer with instead
    stop_after: int | None = None  # bytes of the body after which the connection ends
    reset: bool = False  # it ends by RST, not FIN
    ignore_range: bool = False
    ignore_if_range: bool = False
    content: bytes | None = None  # the file has changed to this
    etag: str = '"one"'
    say_length: bool = True


@dataclass
class Site:
    """What is served at any path. `acts` are used up one per request; later requests are answered well."""

    content: bytes
    acts: list[Act] = field(default_factory=list)
    url: str = ""
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)  # Range, If-Range of each request


@contextmanager
def served(site: Site) -> Iterator[Site]:
    """Serve `site` on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.headers["Range"], self.headers["If-Range"]))
            answer(self, site, site.acts.pop(0) if site.acts else Act(content=site.content))

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}/model.bin"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(handler: BaseHTTPRequestHandler, site: Site, act: Act) -> None:
    if act.status:
        handler.send_error(act.status)
        return
    site.content = content = act.content or site.content
    asked, only_if = handler.headers["Range"], handler.headers["If-Range"]
    fresh = only_if in (None, act.etag) or act.ignore_if_range
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and fresh and not act.ignore_range else 0
    body = content[start:]
    handler.send_response(206 if start else 200)
    handler.send_header("ETag", act.etag)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    if act.say_length:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: act.stop_after])
    if act.reset:
        handler.wfile.flush()
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()

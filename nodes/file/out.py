"""file.out: what a listener would hear, as a WAV file."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Context, Settings
from vaidol.graph.pacer import RATE, Packet, to_int16
from vaidol.nodes._paced import Paced

POOL = "file.out"
BATCH = 50  # packets written at a time, 1 s
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


class FileOutSettings(Settings):
    path: Path
    """The WAV file to write (48 kHz, mono, 16 bit); one that is there is replaced."""


class FileOut(Paced[FileOutSettings]):
    """file.out: write the reply into a WAV file, at the pace at which it would be played, silence included.

    audio (Audio, 48 kHz) -> spoken (Mark, what the playout cursor passed), played (Audio, 48 kHz, as it leaves)

    The file is a valid WAV at all times, at most a second behind.
    """

    def __init__(self, settings: FileOutSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._file: _Wav | None = None
        self._next = 0  # number of the sample that comes next

    async def open(self) -> None:
        self._file = await self.ctx.call(POOL, _Wav, self.settings.path.expanduser())
        await super().open()

    def release(self, packet: Packet) -> None:
        if self._file is None:
            return
        skipped = np.zeros(packet.pts - self._next, np.int16)  # left out by a late clock: silence in the file
        self._next = packet.pts + len(packet.samples)
        self._file.waiting.append(np.concatenate((skipped, to_int16(packet.samples))))
        if len(self._file.waiting) == BATCH:
            self.ctx.spawn(self._write(self._file))

    async def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            await self.ctx.call(POOL, file.close)

    async def _write(self, file: _Wav) -> None:
        try:
            await self.ctx.call(POOL, file.write)
        except ProviderError:
            self._file = None  # a full disk is told once
            await self.ctx.call(POOL, file.abandon)
            raise


class _Wav:
    """A WAV file under way. `waiting` is filled on the loop; everything else happens on the thread of the pool."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes = 0  # of sound in the file
        self.waiting: deque[NDArray[np.int16]] = deque()  # bounded by BATCH and how long the disk takes for one
        with self._told():
            self._file = path.open("wb")
        self.write()

    def write(self) -> None:
        """Write what waits, and a header that says so. Raises `ProviderError`."""
        data = b"".join(self.waiting.popleft().astype("<i2").tobytes() for _ in range(len(self.waiting)))
        with self._told():
            self._file.seek(HEADER.size + self._bytes)
            self._file.write(data)
            self._bytes += len(data)
            self._file.seek(0)
            self._file.write(_header(self._bytes))
            self._file.flush()

    def close(self) -> None:
        self.write()
        self._file.close()

    def abandon(self) -> None:
        """Let go of a file that cannot be written to."""
        with suppress(OSError):
            self._file.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ProviderError(f"{self._path} cannot be written: {error.strerror or error}", code="file") from error


def _header(size: int) -> bytes:
    """Of a RIFF/WAVE file with `size` bytes of 16-bit mono sound at RATE; a size past 4 GiB is told as the most."""
    size = min(size, 0xFFFF_FFFF - HEADER.size)
    return HEADER.pack(
        b"RIFF", size + HEADER.size - 8, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", size
    )

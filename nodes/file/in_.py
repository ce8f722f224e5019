"""file.in: a sound file in the place of a microphone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from vaidol.graph.frames import F32, Audio
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.file._reader import RATE, Reader

STEP = RATE // 50  # samples of one frame, 20 ms
AHEAD = RATE  # samples decoded at a time, 1 s
POOL = "file.in"


class FileInSettings(Settings):
    path: Path
    """The sound file: WAV, FLAC, MP3, Ogg, the sound of a video, and whatever else FFmpeg opens."""
    lead_ms: int = Field(0, ge=0, le=60_000)
    """Silence before it, ms."""
    tail_s: float = Field(2.0, ge=0, le=600)
    """Silence after it, s, so that the turn can end; silence goes on after that while a reply is under way."""


class FileIn(Node[FileInSettings]):
    """file.in: play a sound file as if it were a microphone, in real time.  -> audio (Audio, 48 kHz, 20 ms)

    Several channels are mixed to one. The node ends when the file, its tail and the reply to it are over.
    """

    outputs = (Port("audio", Audio, rate=RATE, dtype="f32", frame_ms=20),)

    def __init__(self, settings: FileInSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._reader: Reader | None = None
        self._sent = 0  # frames
        self._begin_s = 0.0

    async def open(self) -> None:
        self._reader = await self.ctx.call(POOL, Reader, self.settings.path.expanduser())

    async def run(self) -> None:
        self._begin_s = self.ctx.clock.s()
        await self._silence(self.settings.lead_ms / 1000)
        while len(samples := await self._read()):
            for at in range(0, len(samples), STEP):
                await self._send(samples[at : at + STEP])
        await self._silence(self.settings.tail_s)
        while self.ctx.fence.turns:
            await self._silence(STEP / RATE)

    async def close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await self.ctx.call(POOL, reader.close)  # behind a read that may still be under way

    async def _read(self) -> F32:
        return await self.ctx.call(POOL, self._reader.read, AHEAD) if self._reader else np.zeros(0, np.float32)

    async def _silence(self, seconds: float) -> None:
        for _ in range(round(seconds * RATE / STEP)):
            await self._send(np.zeros(STEP, np.float32))

    async def _send(self, samples: F32) -> None:
        """Send one frame when its last sample would have been recorded; the last one of the file is filled up."""
        if len(samples) < STEP:
            samples = np.concatenate((samples, np.zeros(STEP - len(samples), np.float32)))
        due_s = self._begin_s + (self._sent + 1) * STEP / RATE
        if (early_s := due_s - self.ctx.clock.s()) > 0:
            await self.ctx.clock.sleep(early_s)
        pts, born = self._sent * STEP, self.ctx.clock.ns()
        self.emit("audio", Audio(samples=samples, rate=RATE, pts=pts, born=born, seq=self._sent))
        self._sent += 1

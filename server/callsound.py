"""The sound of a whole call in one file: the user left, the avatar right, Ogg/Opus."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.clock import NS
from vaidol.graph.frames import F32, Audio, Frame
from vaidol.graph.pacer import to_int16
from vaidol.graph.recorder import PLAYED
from vaidol.graph.scheduler import Graph

RATE = 48_000  # Hz
EVERY_S = 1.0  # what came is written so often
LATE = RATE // 2  # samples; what is older than this is complete
JITTER = RATE * 80 // 1000  # samples by which a frame may come early or late and still follow the one before it
QUEUE = 4096  # frames of each side that may wait; more is lost


class _Side:
    """One voice: frames as they come, then samples in their place."""

    def __init__(self) -> None:
        self.came: deque[tuple[int, Audio]] = deque(maxlen=QUEUE)
        self._end = 0  # sample behind the last one placed
        self._placed: deque[tuple[int, F32]] = deque()  # first sample, samples; bounded by EVERY_S of sound

    def place(self, origin_ns: int) -> None:
        """Give every frame that came its place in the file."""
        for _ in range(len(self.came)):
            ns, frame = self.came.popleft()
            samples: F32 = frame.samples.astype(np.float32)
            if frame.samples.dtype == np.int16:
                samples /= np.float32(32768)
            if frame.rate != RATE:
                samples = _resampled(samples, frame.rate)
            at = (ns - origin_ns) * RATE // NS - len(samples)
            if abs(at - self._end) < JITTER or at < self._end:
                at = self._end
            self._placed.append((at, samples))
            self._end = at + len(samples)

    def take(self, begin: int, end: int) -> F32:
        """The samples from `begin` to `end`, silence where none came."""
        out = np.zeros(end - begin, np.float32)
        while self._placed and self._placed[0][0] < end:
            at, samples = self._placed.popleft()
            if at + len(samples) > end:
                self._placed.appendleft((end, samples[end - at :]))
                samples = samples[: end - at]
            skipped = max(0, begin - at)
            out[at + skipped - begin : at + len(samples) - begin] = samples[skipped:]
        return out


class CallSound:
    """Writes `path` until `finish`."""

    def __init__(self, graph: Graph, path: Path) -> None:
        self.path = path
        self._graph = graph
        self._origin = graph.clock.ns()
        self._written = 0  # samples
        self._sides = (_Side(), _Side())
        self._file: _Ogg | None = None
        edges = (_user(graph), _avatar(graph))
        self._untap = [
            graph.tap(name, self._taker(side)) for name, side in zip(edges, self._sides, strict=True) if name
        ]
        self._writing = graph.own(self._write())

    def _taker(self, side: _Side) -> Callable[[Frame], None]:
        clock = self._graph.clock

        def take(frame: Frame) -> None:
            if isinstance(frame, Audio):
                side.came.append((clock.ns(), frame))

        return take

    async def finish(self) -> float:
        """Write the rest and close the file; returns its length in s."""
        self.stop()
        await asyncio.wait([self._writing])
        return self._written / RATE

    def stop(self) -> None:
        """Listen no more; the rest is written and the file closed soon."""
        self._writing.cancel()
        for untap in self._untap:
            untap()
        self._untap = []

    async def _write(self) -> None:
        workers, pool = self._graph.engine.workers, f"call sound {self.path.name}"
        try:
            while True:
                await self._graph.clock.sleep(EVERY_S)
                await workers.call(pool, self._add, self._now() - LATE)
        finally:  # its thread is idle, so this begins at once, and is not undone by a second cancellation
            await workers.call(pool, self._close, self._now())
            workers.release(pool)

    def _now(self) -> int:
        return (self._graph.clock.ns() - self._origin) * RATE // NS

    def _add(self, end: int) -> None:
        """On the pool's thread."""
        if end <= self._written:
            return
        if self._file is None:
            self._file = _Ogg(self.path)
        for side in self._sides:
            side.place(self._origin)
        left, right = (to_int16(side.take(self._written, end)) for side in self._sides)
        self._file.add(np.column_stack((left, right)))
        self._written = end

    def _close(self, end: int) -> None:
        self._add(end)
        if self._file is not None:
            self._file.close()
            self._file = None


class _Ogg:
    """An Ogg/Opus file under way."""

    def __init__(self, path: Path) -> None:
        import av

        self._container: Any = av.open(str(path), "w", format="ogg")
        self._stream = self._container.add_stream("libopus", rate=RATE, layout="stereo")
        self._stream.bit_rate = 64_000
        self._pts = 0

    def add(self, samples: NDArray[np.int16]) -> None:
        """`samples`: (n, 2)."""
        import av

        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE, self._pts
        self._pts += len(samples)
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def close(self) -> None:
        """Write what the encoder still holds."""
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self._container.close()


def _user(graph: Graph) -> str:
    """The edge at which the user is heard."""
    fed = {edge.target for edge in graph.plan.edges}
    edges = (e.name for e in graph.plan.edges if e.frame is Audio and e.source not in fed and e.lane == "input")
    return next(edges, "")


def _avatar(graph: Graph) -> str:
    """The edge at which it is heard what the avatar plays; of live sound, and where nobody asks, what it is to play."""
    pacers = {name for name, cell in graph.cells.items() if type(cell.node).paces}
    sound = [edge for edge in graph.plan.edges if edge.frame is Audio]
    coming = [edge for edge in sound if edge.target in pacers]
    played = [e for e in sound if e.source in pacers and e.source_port == PLAYED]
    live = [edge for edge in coming if edge.lane == "input"]
    return next((edge.name for edge in (*live, *played, *coming)), "")


def _resampled(samples: F32, rate: int) -> F32:
    import soxr

    out: F32 = np.asarray(soxr.resample(samples, rate, RATE), np.float32)
    return out

"""Reads any sound file that PyAV opens, a piece at a time, as mono at one rate."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import EMPTY, F32

RATE = 48_000  # Hz
# What is opened of files that strangers send: no playlists and no scripts, which could name other files and addresses.
PLAIN = "wav,w64,mp3,flac,ogg,matroska,webm,mov,mp4,m4a,3gp,aac,aiff,caf,au,amr,avi,asf,mpeg,mpegts,wv,tta,ape"


class Reader:
    """An open sound file. Every call blocks: make them off the loop, one at a time."""

    def __init__(self, path: Path, *, rate: int = RATE, data: bytes | None = None) -> None:
        """Open `path` and decode its beginning. Raises `ProviderError` with one sentence when it holds no sound.

        `data`: what the file holds, where a stranger sent it; then `path` is only what it is called.
        """
        self._path = path
        self._rate = rate
        self._container: Any = _open(path) if data is None else _opened(path, data)
        self._rest: F32 = EMPTY
        try:
            if not self._container.streams.audio:
                raise ProviderError(f"{path} has no sound in it, only {_kinds(self._container)}", code="file")
            self._pieces = self._decode()
            beginning = self.read(rate // 10)
            self._rest = np.concatenate((beginning, self._rest))
            if not len(beginning):
                raise ProviderError(f"{path} is empty: not one sample of sound could be read", code="file")
        except ProviderError:
            self.close()
            raise

    def read(self, count: int) -> F32:
        """The next `count` samples (n,) float32 mono in [-1, 1]; fewer, in the end none, when the file is over.

        Raises `ProviderError` when the file is damaged.
        """
        parts, have = [self._rest], len(self._rest)
        while have < count and (piece := self._next()) is not None:
            parts.append(piece)
            have += len(piece)
        samples = np.concatenate(parts)
        self._rest = samples[count:]
        return samples[:count]

    def close(self) -> None:
        self._container.close()

    def _next(self) -> F32 | None:
        import av

        try:
            return next(self._pieces, None)
        except (av.FFmpegError, ValueError) as error:
            raise ProviderError(f"{self._path} is damaged: {_reason(error)}", code="file") from error

    def _decode(self) -> Iterator[F32]:
        import av

        resampler = av.AudioResampler(format="flt", layout="mono", rate=self._rate)
        for frame in self._container.decode(audio=0):
            frame.pts = None  # holes in a file's own times are closed
            yield from (part.to_ndarray()[0] for part in resampler.resample(frame))
        yield from (part.to_ndarray()[0] for part in resampler.resample(None))


def _open(path: Path) -> Any:
    import av

    if path.is_dir():
        raise ProviderError(f"{path} is a folder, not a sound file", code="file")
    try:
        if path.stat().st_size == 0:
            raise ProviderError(f"{path} is empty", code="file")
        return av.open(str(path))
    except FileNotFoundError as error:
        raise ProviderError(f"there is no file {path}", code="file") from error
    except PermissionError as error:
        raise ProviderError(f"{path} may not be read", code="file") from error
    except (av.FFmpegError, OSError) as error:
        raise ProviderError(f"{path} is not a sound file: {_reason(error)}", code="file") from error


def _opened(path: Path, data: bytes) -> Any:
    import av

    if not data:
        raise ProviderError(f"{path} is empty", code="file")
    try:
        return av.open(io.BytesIO(data), options={"format_whitelist": PLAIN, "protocol_whitelist": "none"})
    except (av.FFmpegError, OSError) as error:
        raise ProviderError(f"{path} is not a sound file: {_reason(error)}", code="file") from error


def _kinds(container: Any) -> str:
    return " and ".join(sorted({stream.type for stream in container.streams})) or "nothing"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)

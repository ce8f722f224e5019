"""Encoded sound that comes in pieces -> float32 arrays: WAV, raw PCM, MP3 and Ogg Opus, told apart by first bytes."""

from __future__ import annotations

import io
import struct
import wave
from typing import Any, Protocol

import numpy as np

from vaidol.graph.frames import EMPTY, F32

Parts = list[tuple[F32, int]]  # sound and its rate, Hz
OPUS_RATE = 48_000  # Hz
HEADER_MAX = 4096  # bytes of a WAV before its samples
HEAD = 12  # bytes that tell what it is


class _Reader(Protocol):
    def feed(self, data: bytes) -> Parts: ...


class SoundDecoder:
    """One sound. `raw`: rate of int16 samples that come without any header, Hz; 0 = there must be one.

    Raises `ValueError` for what is no sound.
    """

    def __init__(self, rate: int, *, raw: int = 0) -> None:
        self._rate = rate
        self._raw = raw
        self._head = b""
        self._reader: _Reader | None = None
        self._resampler: Resampler | None = None
        self.heard = False  # some of it was sound

    def feed(self, data: bytes, *, last: bool = False) -> F32:
        """The sound (n,) at `rate` in [-1, 1] that is complete now; with `last` all that is left."""
        if self._reader is None:
            self._head += data
            if len(self._head) < (1 if last else HEAD):
                return EMPTY
            self._reader, data = _reader(self._head, self._raw), self._head
        parts = self._reader.feed(data)
        if last:
            parts += self._reader.feed(b"")
        made = [self._resampled(samples, rate) for samples, rate in parts if len(samples)]
        if last and self._resampler is not None:
            made.append(self._resampler.feed(None))
        self.heard = self.heard or any(map(len, made))
        return np.concatenate(made).clip(-1, 1) if made else EMPTY

    def _resampled(self, samples: F32, rate: int) -> F32:
        if self._resampler is None:
            if rate == self._rate:
                return samples
            self._resampler = Resampler(rate, self._rate)
        return self._resampler.feed(samples)


def wav(samples: F32, rate: int) -> bytes:
    """`samples` (n,) in [-1, 1] at `rate` Hz as a WAV file of 16 bits."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(pcm16(samples))
    return file.getvalue()


def pcm16(samples: F32) -> bytes:
    """`samples` (n,) in [-1, 1] as little-endian int16."""
    return (samples.clip(-1, 1) * 32767).astype("<i2").tobytes()


def _reader(head: bytes, raw: int) -> _Reader:
    if head.startswith(b"RIFF"):
        return _Wav()
    if head.startswith(b"OggS"):
        return _OggOpus()
    if raw:
        return _Pcm(raw)
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return Mp3()
    raise ValueError("neither WAV, MP3 nor Ogg")


class _Pcm:
    """Little-endian samples without a header."""

    def __init__(self, rate: int, channels: int = 1, kind: str = "<i2") -> None:
        self._rate, self._channels, self._kind = rate, channels, np.dtype(kind)
        self._rest = b""

    def feed(self, data: bytes) -> Parts:
        data = self._rest + data
        whole = len(data) - len(data) % (self._kind.itemsize * self._channels)
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], self._kind).astype(np.float32)
        if self._kind.kind == "i":
            samples /= np.float32(32768)
        return [(np.nan_to_num(samples.reshape(-1, self._channels).mean(axis=1)), self._rate)]


class _Wav:
    """A WAV whose length in its header may be anything: streams have none."""

    def __init__(self) -> None:
        self._head = b""
        self._pcm: _Pcm | None = None

    def feed(self, data: bytes) -> Parts:
        if self._pcm is not None:
            return self._pcm.feed(data)
        self._head += data
        at, about = 12, b""
        while len(self._head) >= at + 8:
            name, size = struct.unpack_from("<4sI", self._head, at)
            at += 8
            if name == b"data":
                self._pcm = _pcm_of(about)
                return self._pcm.feed(self._head[at:])
            if name == b"fmt ":
                about = self._head[at : at + 16]
            at += size + size % 2
        if len(self._head) > HEADER_MAX or not data:
            raise ValueError("a WAV without samples")
        return []


def _pcm_of(about: bytes) -> _Pcm:
    if len(about) < 16:
        raise ValueError("a WAV without a format")
    code, channels, rate, _, _, bits = struct.unpack("<HHIIHH", about)
    kind = {(1, 16): "<i2", (3, 32): "<f4", (0xFFFE, 16): "<i2", (0xFFFE, 32): "<f4"}.get((code, bits))
    if kind is None or not 1 <= channels <= 8 or not 4_000 <= rate <= 192_000:
        raise ValueError(f"a WAV of format {code} with {bits} bits")
    return _Pcm(rate, channels, kind)


class Mp3:
    """MP3 in any pieces; what is not MP3 is left out."""

    def __init__(self) -> None:
        import av

        self._codec: Any = av.CodecContext.create("mp3float", "r")
        self._damaged = av.error.InvalidDataError

    def feed(self, data: bytes) -> Parts:
        """The sound that is complete now; no more data makes the rest complete."""
        parts: Parts = []
        for packet in self._codec.parse(data):
            try:
                frames = self._codec.decode(packet)
            except self._damaged:
                continue
            parts += [(np.ascontiguousarray(f.to_ndarray().mean(axis=0), np.float32), f.sample_rate) for f in frames]
        return parts


class _OggOpus:
    """Opus in Ogg pages (RFC 7845): the pages are cut into packets here, the packets decoded by libavcodec."""

    def __init__(self) -> None:
        self._data = self._packet = b""
        self._codec: Any = None
        self._seen = self._skip = 0

    def feed(self, data: bytes) -> Parts:
        self._data += data
        return [part for packet in self._packets() for part in self._decoded(packet)]

    def _packets(self) -> list[bytes]:
        """The packets that are whole now."""
        found = []
        while len(self._data) >= 27:
            if not self._data.startswith(b"OggS"):
                raise ValueError("an Ogg page that does not begin as one")
            lengths = self._data[27 : 27 + self._data[26]]
            begin, size = 27 + self._data[26], sum(lengths)
            if len(self._data) < begin + size:
                break
            for length in lengths:
                self._packet += self._data[begin : begin + length]
                begin += length
                if length < 255:
                    found.append(self._packet)
                    self._packet = b""
            self._data = self._data[begin:]
        return found

    def _decoded(self, packet: bytes) -> Parts:
        import av

        self._seen += 1
        if self._seen == 1:
            if not packet.startswith(b"OpusHead") or len(packet) < 19:
                raise ValueError("Ogg, but not Opus")
            self._codec = av.CodecContext.create("opus", "r")
            self._codec.extradata = packet
            self._skip = int.from_bytes(packet[10:12], "little")
        if self._seen <= 2 or not packet:
            return []
        parts: Parts = []
        for frame in self._codec.decode(av.Packet(packet)):
            samples = np.ascontiguousarray(frame.to_ndarray().mean(axis=0), np.float32)
            left, self._skip = samples[self._skip :], max(0, self._skip - len(samples))
            parts.append((left, OPUS_RATE))
        return parts


class Resampler:
    """From one rate to another, in a stream; None ends it."""

    def __init__(self, rate: int, to: int) -> None:
        import av

        self._frame: Any = av.AudioFrame
        self._rate = rate
        self._av: Any = av.AudioResampler(format="flt", layout="mono", rate=to)

    def feed(self, samples: F32 | None) -> F32:
        frame = None
        if samples is not None:
            frame = self._frame.from_ndarray(samples[np.newaxis], format="flt", layout="mono")
            frame.sample_rate = self._rate
        made = [part.to_ndarray()[0] for part in self._av.resample(frame)]
        return np.concatenate(made) if made else EMPTY

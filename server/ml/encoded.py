"""Sound on its way out: WAV, raw PCM, and what libav encodes, piece by piece."""

from __future__ import annotations

from typing import Any

from vaidol.graph.frames import EMPTY, F32
from vaidol.nodes._sound import Resampler, pcm16, wav

PCM_RATE = 24_000  # Hz, as OpenAI's
ENDLESS = b"\xff\xff\xff\xff"  # length in the header of a WAV that is streamed
KINDS = {
    "wav": "audio/wav", "pcm": "audio/pcm", "mp3": "audio/mpeg", "opus": "audio/ogg", "flac": "audio/flac",
    "aac": "audio/aac",
}  # fmt: skip
CODECS = {"mp3": ("mp3", "libmp3lame"), "opus": ("ogg", "libopus"), "flac": ("flac", "flac"), "aac": ("adts", "aac")}
RATES = {"mp3": (24_000, 48_000), "aac": (24_000, 48_000), "opus": (48_000,)}  # Hz; the first that is high enough


class Encoder:
    """One sound in the format `kind` (one of `KINDS`), from float32 at `rate` Hz. Blocks for a moment at each piece."""

    def __init__(self, kind: str, rate: int) -> None:
        rates = (PCM_RATE,) if kind == "pcm" else RATES.get(kind, (rate,))
        self.rate = next((one for one in rates if one >= rate), rates[-1])
        self._resampler = Resampler(rate, self.rate) if rate != self.rate else None
        self._head = b""
        if kind == "wav":
            head = wav(EMPTY, self.rate)
            self._head = head[:4] + ENDLESS + head[8:-4] + ENDLESS
        self._codec = _Codec(kind, self.rate) if kind in CODECS else None

    def feed(self, samples: F32) -> bytes:
        """What is complete after `samples` (n,)."""
        return self._made(samples if self._resampler is None else self._resampler.feed(samples))

    def end(self) -> bytes:
        """The rest."""
        rest = self._made(self._resampler.feed(None)) if self._resampler is not None else self._made(EMPTY)
        return rest + (self._codec.end() if self._codec is not None else b"")

    def _made(self, samples: F32) -> bytes:
        head, self._head = self._head, b""
        return head + (pcm16(samples) if self._codec is None else self._codec.feed(samples))


class _Codec:
    """An encoder of libav's."""

    def __init__(self, kind: str, rate: int) -> None:
        import av

        container, codec = CODECS[kind]
        self._out: list[bytes] = []
        self._frame: Any = av.AudioFrame
        self._rate = rate
        pages = (
            {"page_duration": "20000"} if kind == "opus" else {}
        )  # microseconds; else it waits for a second of sound
        self._container: Any = av.open(self, "w", format=container, options=pages)
        self._stream: Any = self._container.add_stream(codec, rate=rate, layout="mono")
        self._fit: Any = av.AudioResampler(format=self._stream.format.name, layout="mono", rate=rate)

    def write(self, data: bytes) -> int:
        """For libav."""
        self._out.append(bytes(data))
        return len(data)

    def feed(self, samples: F32) -> bytes:
        if len(samples):
            frame = self._frame.from_ndarray(samples.clip(-1, 1)[None], format="flt", layout="mono")
            frame.sample_rate = self._rate
            self._encode(self._fit.resample(frame))
        return self._taken()

    def end(self) -> bytes:
        self._encode(self._fit.resample(None))
        self._encode([None])
        self._container.close()
        return self._taken()

    def _encode(self, frames: list[Any]) -> None:
        for frame in frames:
            self._container.mux(self._stream.encode(frame))

    def _taken(self) -> bytes:
        out, self._out = b"".join(self._out), []
        return out

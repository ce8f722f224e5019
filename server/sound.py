"""Sound at the border to aiortc: the microphone's Opus packets as mono float32, the reply as Opus packets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray

from vaidol.graph.frames import F32

RATE = 48_000  # Hz
STEP = 960  # samples of one packet, 20 ms
QUEUE = 5  # packets; more than 100 ms behind, the oldest are dropped
BIT_RATE = 48_000  # bit/s, mono: transparent for speech
SETTLED = 25  # packets of silence after which the encoder has forgotten what was before (its 3 Hz filter takes longest)
TIME_BASE = Fraction(1, RATE)
PLAIN = {"application": "lowdelay"}
WITH_COPIES = {"application": "voip", "fec": "1", "packet_loss": "15"}  # %, what the bits are shared out for


class OpusDecoder:
    """One stream's decoder; it mixes stereo to mono itself."""

    def __init__(self) -> None:
        self._decoder = av.AudioCodecContext.create("libopus", "r")
        self._decoder.layout = "mono"
        self._decoder.format = "s16"
        self._decoder.sample_rate = RATE

    def __call__(self, payload: bytes) -> F32 | None:
        """(n,) float32 mono 48 kHz in [-1, 1]; None when `payload` is no Opus packet."""
        if not payload:  # would end the decoder for good
            return None
        try:
            frames = self._decoder.decode(av.Packet(payload))
        except av.FFmpegError:
            return None
        if not frames:
            return None
        whole = np.frombuffer(frames[0].planes[0], np.int16, frames[0].samples)  # `to_ndarray` takes 3 us more
        samples: F32 = whole * np.float32(1 / 32768)
        return samples


class OpusEncoder:
    """One listener's encoder: 20 ms of mono 48 kHz to one packet.

    `lowdelay` is Opus without its speech half: 55 us a packet instead of 134 and 4 ms less delay, for the same bits.
    That is less than handing the samples to a thread and back, so it runs where it is called.

    `repairs` True: with the speech half, which can give each packet a coarse copy of the one before, so that a browser
    that lost one plays the copy (RFC 6716, 2.1.7).
    """

    def __init__(self, *, repairs: bool = False) -> None:
        self.repairs = repairs
        encoder = av.AudioCodecContext.create("libopus", "w")
        encoder.bit_rate = BIT_RATE
        encoder.format = "s16"
        encoder.layout = "mono"
        encoder.sample_rate = RATE
        encoder.time_base = TIME_BASE
        encoder.options = {**(WITH_COPIES if repairs else PLAIN), "compression_level": "5", "frame_duration": "20"}
        self._encoder = encoder
        self._frame = av.AudioFrame(format="s16", layout="mono", samples=STEP)  # one for all: a new one costs 4 us
        self._frame.sample_rate, self._frame.time_base, self._frame.pts = RATE, TIME_BASE, 0
        self._silent = 0  # packets of silence in a row
        self._last = b""

    def __call__(self, samples: NDArray[np.int16]) -> bytes:
        """The packet for (960,) int16."""
        self._silent = 0 if samples.any() else self._silent + 1
        if self._silent <= SETTLED:
            self._frame.planes[0].update(samples.tobytes())  # the encoder keeps nothing of it
            self._last = bytes(self._encoder.encode(self._frame)[0])
            self._frame.pts += STEP
        return self._last


class OutTrack(MediaStreamTrack):
    """The avatar's voice as an outgoing track: `push` a packet of sound every 20 ms, aiortc takes it with `recv`.

    It encodes by itself: aiortc's way costs a detour over the loop's default executor and a level meter in pure Python,
    and ties the RTP timestamp to its encoder; here it is origin + `pts`.
    `rtp_timestamp()` gives the timestamp sent last or None; `synced(origin)` is called once that is known.
    """

    kind = "audio"

    def __init__(self, rtp_timestamp: Callable[[OutTrack], int | None], synced: Callable[[int], None]) -> None:
        super().__init__()
        self._queue: deque[tuple[NDArray[np.int16], int]] = deque(maxlen=QUEUE)
        self._more = asyncio.Event()
        self._rtp_timestamp = rtp_timestamp
        self._synced: Callable[[int], None] | None = synced
        self._sent_pts: int | None = None
        self._encode = OpusEncoder()
        self._lossy = False
        self.dropped = 0

    def lossy(self, lost: bool) -> None:
        """Whether the listener loses packets. The next ones carry repairs then, until a silence after the losses.

        The change itself may be heard as a faint click, which a lossy connection has anyway.
        """
        self._lossy = lost

    def push(self, samples: NDArray[np.int16], pts: int) -> None:
        """Queue (960,) int16 mono 48 kHz whose first sample is sample `pts` of the session's output."""
        self.dropped += len(self._queue) == QUEUE
        self._queue.append((samples, pts))
        self._more.set()

    def stop(self) -> None:
        super().stop()
        self._more.set()

    async def recv(self) -> av.Packet:
        while not self._queue:
            if self.readyState != "live":
                raise MediaStreamError
            self._more.clear()
            await self._more.wait()
        self._sync()
        samples, pts = self._queue.popleft()
        if self._lossy != self._encode.repairs and (self._lossy or not samples.any()):
            self._encode = OpusEncoder(repairs=self._lossy)
        packet = av.Packet(self._encode(samples))
        packet.pts, packet.time_base = pts, TIME_BASE
        self._sent_pts = pts
        return packet

    def _sync(self) -> None:
        """At the second packet the first one's RTP timestamp is known, and with it that of sample 0."""
        if self._synced is None or self._sent_pts is None:
            return
        timestamp = self._rtp_timestamp(self)
        if timestamp is not None:
            self._synced((timestamp - self._sent_pts) % 2**32)
            self._synced = None

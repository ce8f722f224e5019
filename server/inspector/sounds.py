"""Sound as a viewer wants to see it: peaks, loudness and spectrum, worked out in pieces of a tenth of a second."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.frames import F32

BIN_MS = 5  # one pair of peaks
HOP_MS = 20  # one column of the spectrum
BANDS = 48
LOWEST_HZ, HIGHEST_HZ = 60.0, 8000.0
FLOOR_DB = -90.0
PIECE_S = 1.0  # most sound worked on at once; more waits for the next time
HELD_S = 8.0  # most sound that waits
HEAD = struct.Struct("<BxHIddffHH")  # kind, tap, rate, at ms, lost ms, rms, peak, bins, columns
PEAKS, LISTEN = 1, 2  # kinds of message


class Sound:
    """The sound of one tap on its way to its viewer; not more than `HELD_S` of it, the oldest goes first."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.listens = False
        self.lost_ms = 0.0
        self._rate = 0
        self._waiting: list[F32] = []
        self._bands: dict[int, NDArray[np.int64]] = {}  # FFT size -> band of every line

    def add(self, samples: NDArray[np.float32] | NDArray[np.int16], rate: int) -> None:
        if rate != self._rate:
            self._rate, self._waiting = rate, []
        scale = np.float32(1 / 32768 if samples.dtype == np.int16 else 1.0)
        self._waiting.append(samples.astype(np.float32) * scale)
        held = sum(map(len, self._waiting))
        while held > HELD_S * rate:
            surplus = held - int(HELD_S * rate)
            first = self._waiting.pop(0)
            if surplus < len(first):
                self._waiting.insert(0, first[surplus:])
            gone = min(surplus, len(first))
            held -= gone
            self.lost_ms += gone * 1000 / rate

    def messages(self, at_ms: float) -> list[bytes]:
        """What is ready: peaks and spectrum of whole hops, and where it is listened to the same sound as int16."""
        if not self._rate:
            return []
        hop = self._rate * HOP_MS // 1000
        held = np.concatenate(self._waiting) if self._waiting else np.zeros(0, np.float32)
        ready = min(len(held), int(PIECE_S * self._rate)) // hop * hop
        if not ready:
            return []
        piece = np.nan_to_num(held[:ready], nan=0.0, posinf=1.0, neginf=-1.0)
        self._waiting = [held[ready:]]
        found = [self._peaks(piece, hop, at_ms)]
        if self.listens:
            head = HEAD.pack(LISTEN, self.number, self._rate, at_ms, self.lost_ms, 0.0, 0.0, 0, 0)
            found.append(bytes(head + (piece * 32767).clip(-32768, 32767).astype("<i2").tobytes()))
        return found

    def _peaks(self, piece: F32, hop: int, at_ms: float) -> bytes:
        rows = piece.reshape(-1, hop)
        parts = piece.reshape(len(rows) * HOP_MS // BIN_MS, -1) if hop % (HOP_MS // BIN_MS) == 0 else rows
        pairs = np.stack([parts.min(axis=1), parts.max(axis=1)], axis=1)
        bins = np.rint(pairs * 127).clip(-127, 127).astype(np.int8)
        columns = self._spectrum(rows)
        rms, peak = float(np.sqrt(np.mean(piece * piece))), float(np.abs(piece).max())
        head = HEAD.pack(
            PEAKS, self.number, self._rate, at_ms, self.lost_ms, rms, peak, len(bins), len(columns)
        )  # fmt: skip
        return bytes(head + bins.tobytes() + columns.tobytes())

    def _spectrum(self, rows: F32) -> NDArray[np.uint8]:
        """Loudness of `BANDS` bands, spaced by their logarithm, per row (n, hop): 0 = `FLOOR_DB`, 255 = full scale."""
        size = 1 << (rows.shape[1] - 1).bit_length()
        lines = np.abs(np.fft.rfft(rows * np.hanning(rows.shape[1]).astype(np.float32), size)) * (4 / rows.shape[1])
        if size not in self._bands:
            edges = np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, self._rate / 2), BANDS + 1)
            first = np.minimum((edges * size / self._rate).astype(np.int64), lines.shape[1] - 1)
            self._bands[size] = first
        loudest = np.maximum.reduceat(lines, self._bands[size], axis=1)[:, :BANDS]
        db = 20 * np.log10(loudest + 1e-9)
        scaled: NDArray[np.uint8] = ((db - FLOOR_DB) * (255 / -FLOOR_DB)).clip(0, 255).astype(np.uint8)
        return scaled

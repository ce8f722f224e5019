"""Packets of Bilibili's chat: a header, and JSON or further packets, packed with zlib."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

HEADER = struct.Struct(">IHHII")  # length, length of the header, version, operation, sequence
PLAIN, COUNT, DEFLATED, BROTLI = 0, 1, 2, 3  # version: JSON, a number, zlib or brotli around further packets
BEAT, BEATEN, MESSAGE, JOIN, JOINED = 2, 3, 5, 7, 8  # operation
MOST = 4 << 20  # bytes of one packet, inflated


def packed(operation: int, body: bytes, version: int = COUNT) -> bytes:
    """One packet."""
    return HEADER.pack(HEADER.size + len(body), HEADER.size, version, operation, 1) + body


def unpacked(data: bytes, *, inner: bool = False) -> Iterator[tuple[int, Any]]:
    """Operation and JSON value of the messages in `data`, and of the answer to a join.

    Raises ValueError when it is something else, and for brotli, which nobody asked for.
    """
    at = 0
    while at < len(data):
        if len(data) - at < HEADER.size:
            raise ValueError("a packet without a header")
        length, header, version, operation, _ = HEADER.unpack_from(data, at)
        if not HEADER.size <= header <= length <= len(data) - at:
            raise ValueError("a packet of a wrong length")
        body = data[at + header : at + length]
        at += length
        if operation == MESSAGE and version == DEFLATED and not inner:
            yield from unpacked(_inflated(body), inner=True)
        elif operation == MESSAGE and version == BROTLI:
            raise ValueError("a packet in brotli")
        elif operation == JOINED or (operation == MESSAGE and version == PLAIN):
            yield operation, json.loads(body)


def _inflated(body: bytes) -> bytes:
    inflate = zlib.decompressobj()
    try:
        out = inflate.decompress(body, MOST)
    except zlib.error as error:
        raise ValueError("a packet that cannot be inflated") from error
    if inflate.unconsumed_tail:
        raise ValueError("a packet that is too large")
    return out

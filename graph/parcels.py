"""What a core and a worker on another machine send each other: JSON and arrays. Nothing in it can run.

A parcel is the length of its JSON (4 bytes), the JSON, and the arrays that it refers to, one after the other.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.framejson import from_json, to_json
from vaidol.graph.frames import Frame

VERSION = 1
LONGEST = 16 << 20  # bytes of a parcel
TYPES = {"f4": "<f4", "i2": "<i2"}  # of arrays
HEAD = 4  # bytes


class BadParcel(ValueError):
    """Bytes that make no parcel."""


class Packing:
    """A parcel on its way out."""

    def __init__(self) -> None:
        self._arrays: list[NDArray[Any]] = []

    def frame(self, frame: Frame) -> dict[str, Any]:
        """`frame` as it stands in the JSON of this parcel."""
        return {"class": type(frame).__name__, **to_json(frame, self._array)}

    def packed(self, told: dict[str, Any]) -> bytes:
        """All of it."""
        kinds = [[name_of(array), len(array)] for array in self._arrays]
        text = json.dumps({**told, "arrays": kinds}, ensure_ascii=False, allow_nan=True).encode()
        return len(text).to_bytes(HEAD, "little") + text + b"".join(array.tobytes() for array in self._arrays)

    def _array(self, samples: NDArray[Any]) -> int:
        self._arrays.append(np.ascontiguousarray(samples, TYPES[name_of(samples)]))
        return len(self._arrays) - 1


class Parcel:
    """A parcel that came: `told` is its JSON. Raises `BadParcel`."""

    def __init__(self, body: bytes) -> None:
        size = int.from_bytes(body[:HEAD], "little")
        try:
            told = json.loads(body[HEAD : HEAD + size])
            self._arrays = list(_arrays(told.pop("arrays"), body[HEAD + size :]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadParcel(f"no parcel: {type(error).__name__}") from error
        self.told: dict[str, Any] = told

    def frame(self, told: Any) -> Frame:
        """The frame that `told` describes. Raises `BadFrame`, `BadParcel`."""
        if not isinstance(told, dict):
            raise BadParcel("a frame that is none")
        fields = dict(told)
        return from_json(str(fields.pop("class", "")), fields, self._array)

    def _array(self, number: Any) -> NDArray[Any]:
        if not isinstance(number, int) or not 0 <= number < len(self._arrays):
            raise ValueError("no such array")
        return self._arrays[number]


def name_of(array: NDArray[Any]) -> str:
    """Its type, as parcels call it."""
    return "i2" if array.dtype == np.int16 else "f4"


def _arrays(kinds: Any, data: bytes) -> Iterable[NDArray[Any]]:
    at = 0
    for name, count in kinds:
        kind = np.dtype(TYPES[name])
        if not isinstance(count, int) or count < 0:
            raise ValueError("no length")
        end = at + count * kind.itemsize
        if end > len(data):
            raise ValueError("too short")
        yield np.frombuffer(data[at:end], kind)
        at = end
    if at != len(data):
        raise ValueError("too long")


def proof(token: str, who: str, *nonces: str) -> str:
    """What shows that `who` ("core", "worker") knows `token`, without telling it."""
    return hmac.new(token.encode(), ":".join((who, *nonces)).encode(), hashlib.sha256).hexdigest()

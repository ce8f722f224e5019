"""Frames as JSON and back: what recordings hold. Sound becomes base64 of 16-bit PCM."""

from __future__ import annotations

import base64
import dataclasses
from functools import cache
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from vaidol.graph.frames import FRAMES, Frame

CLASSES = {frame.__name__: frame for frame in FRAMES}


class BadFrame(ValueError):
    """Data that makes no frame."""


def to_json(frame: Frame) -> dict[str, Any]:
    """`frame` as plain data; `samples` as {"pcm": base64 of little-endian int16}."""
    told: dict[str, Any] = {}
    for field in dataclasses.fields(frame):
        value = getattr(frame, field.name)
        told[field.name] = {"pcm": _pcm(value)} if isinstance(value, np.ndarray) else to_jsonable_python(value)
    return told


def from_json(name: str, data: dict[str, Any]) -> Frame:
    """The frame of class `name` that `to_json` told; unknown fields are skipped. Raises `BadFrame`."""
    kind = CLASSES.get(name)
    if kind is None:
        raise BadFrame(f"there is no frame '{name}'")
    made: dict[str, Any] = {}
    try:
        for field, adapter in _fields(name).items():
            if field in data:
                value = data[field]
                made[field] = _samples(value["pcm"]) if adapter is None else adapter.validate_python(value)
        return kind(**made)
    except (ValidationError, ValueError, TypeError, KeyError) as error:
        raise BadFrame(f"a {name} that is none: {type(error).__name__}") from error


@cache
def _fields(name: str) -> dict[str, TypeAdapter[Any] | None]:
    """By field, what checks it; None for samples."""
    kind = CLASSES[name]
    hints = get_type_hints(kind)
    return {
        field.name: None if field.name == "samples" else TypeAdapter(hints[field.name])
        for field in dataclasses.fields(kind)
    }


def _pcm(samples: NDArray[Any]) -> str:
    if samples.dtype != np.int16:
        samples = (np.nan_to_num(samples).clip(-1, 1) * 32767).round().astype(np.int16)
    return base64.b64encode(samples.astype("<i2").tobytes()).decode()


def _samples(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text, validate=True), "<i2").astype(np.float32) / np.float32(32767)

"""Frames as JSON and back: what recordings hold, and what goes to workers elsewhere."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable
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


def to_json(frame: Frame, sound: Callable[[NDArray[Any]], Any] | None = None) -> dict[str, Any]:
    """`frame` as plain data; `samples` as `sound` tells them, else as {"pcm": base64 of little-endian int16}."""
    sound = sound or _pcm
    told: dict[str, Any] = {}
    for field in dataclasses.fields(frame):
        value = getattr(frame, field.name)
        told[field.name] = sound(value) if isinstance(value, np.ndarray) else to_jsonable_python(value)
    return told


def from_json(name: str, data: dict[str, Any], sound: Callable[[Any], NDArray[Any]] | None = None) -> Frame:
    """The frame of class `name` that `to_json` told; unknown fields are skipped. Raises `BadFrame`."""
    sound = sound or _samples
    kind = CLASSES.get(name)
    if kind is None:
        raise BadFrame(f"there is no frame '{name}'")
    made: dict[str, Any] = {}
    try:
        for field, adapter in _fields(name).items():
            if field in data:
                value = data[field]
                made[field] = sound(value) if adapter is None else adapter.validate_python(value)
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


def _pcm(samples: NDArray[Any]) -> dict[str, str]:
    if samples.dtype != np.int16:
        samples = (np.nan_to_num(samples).clip(-1, 1) * 32767).round().astype(np.int16)
    return {"pcm": base64.b64encode(samples.astype("<i2").tobytes()).decode()}


def _samples(told: dict[str, str]) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(told["pcm"], validate=True), "<i2").astype(np.float32) / np.float32(32767)

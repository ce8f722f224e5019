"""adapt.dtype: change the sample type of audio."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vaidol.graph.frames import Audio
from vaidol.graph.node import Node, Settings
from vaidol.graph.pacer import to_int16
from vaidol.graph.ports import Dtype, Port


class DtypeSettings(Settings):
    dtype: Dtype = "f32"
    """f32: float32 in [-1, 1]; i16: int16, clipped."""


class ChangeDtype(Node[DtypeSettings]):
    """adapt.dtype: change the sample type.  audio (Audio) -> audio (Audio, same rate, `dtype`)"""

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)

    @classmethod
    def ports(cls, settings: DtypeSettings) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
        return cls.inputs, (Port("audio", Audio, like="audio", dtype=settings.dtype),)

    def process(self, port: str, frame: Audio) -> None:
        samples = frame.samples
        if self.settings.dtype == "f32" and samples.dtype == np.int16:
            frame = replace(frame, samples=samples.astype(np.float32) / np.float32(32768))
        elif self.settings.dtype == "i16" and samples.dtype != np.int16:
            frame = replace(frame, samples=to_int16(samples.astype(np.float32, copy=False)))
        self.emit("audio", frame)

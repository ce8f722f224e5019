"""Ports: the named, typed ends of a node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vaidol.graph.frames import Audio, Frame

Dtype = Literal["f32", "i16"]


@dataclass(frozen=True, slots=True)
class Port:
    """One end of a node: the frame class it takes or gives and, for audio, its format.

    rate: samples per second; None = any (an input) or the rate of the input port named by `like` (an output).
    dtype: sample type; None = any. frame_ms: an input that wants frames of exactly this length; None = any.
    like: an output that repeats the format of this input port.
    many: an input that several edges may feed. optional: an input that may stay unconnected.
    source: an output that does not depend on the node's inputs, so that no cycle passes through it.
    """

    name: str
    frame: type[Frame]
    rate: int | None = None
    dtype: Dtype | None = None
    frame_ms: int | None = None
    like: str | None = None
    many: bool = False
    optional: bool = False
    source: bool = False

    def __str__(self) -> str:
        details = [self.frame.__name__]
        if self.frame is Audio:
            details.append(
                f"{self.rate / 1000:g} kHz" if self.rate else f"like {self.like}" if self.like else "any rate"
            )
            details += [self.dtype] if self.dtype else []
            details += [f"{self.frame_ms} ms"] if self.frame_ms else []
        return f"{self.name} ({', '.join(details)})"

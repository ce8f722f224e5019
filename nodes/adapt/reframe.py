"""adapt.reframe: cut audio into frames of one length."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vaidol.graph.frames import Audio
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.adapt._streams import goes_on


class ReframeSettings(Settings):
    frame_ms: int = Field(20, ge=1, le=1_000)
    """Length of every frame that leaves, ms."""


class Reframe(Node[ReframeSettings]):
    """adapt.reframe: frames of `frame_ms`.  audio (Audio) -> audio (Audio, same rate)

    The last frame of a sentence or generation is filled up with silence; one that only says `final` stays empty.
    """

    inputs = (Port("audio", Audio),)
    outputs = (Port("audio", Audio, like="audio"),)

    @classmethod
    def ports(cls, settings: ReframeSettings) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
        return cls.inputs, (Port("audio", Audio, like="audio", frame_ms=settings.frame_ms),)

    _rest: Audio | None = None  # the frame under way, shorter than one; its pts is that of its first sample

    def process(self, port: str, frame: Audio) -> None:
        if self._rest is not None and not goes_on(self._rest, frame, self._rest.pts + len(self._rest.samples)):
            self._flush()
        rest, self._rest = self._rest, None
        samples: NDArray[Any] = frame.samples if rest is None else np.concatenate((rest.samples, frame.samples))
        pts = frame.pts if rest is None else rest.pts
        length = round(frame.rate * self.settings.frame_ms / 1000)
        ends = frame.final or frame.sentence_end
        whole = len(samples) // length * length
        if ends and whole == len(samples):  # the last whole frame carries the end; of nothing, an empty one
            whole = max(0, whole - length)
        for at in range(0, whole, length):
            piece = samples[at : at + length]
            self.emit("audio", replace(frame, samples=piece, pts=pts + at, final=False, sentence_end=False))
        if ends or whole < len(samples):
            self._rest = replace(frame, samples=samples[whole:], pts=pts + whole)
        if ends:
            self._flush()

    def cut(self, cut: TurnCut) -> None:
        if self._rest is not None and self._rest.gen == cut.gen:
            self._rest = None

    def _flush(self) -> None:
        """Send the frame under way, filled up with silence."""
        rest, self._rest = self._rest, None
        if rest is not None:
            length = round(rest.rate * self.settings.frame_ms / 1000)
            missing = length - len(rest.samples) if len(rest.samples) else 0
            filled: NDArray[Any] = np.concatenate((rest.samples, np.zeros(missing, rest.samples.dtype)))
            self.emit("audio", replace(rest, samples=filled))

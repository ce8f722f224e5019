"""sim.vad: loudness alone decides; for scenarios, where speech is loud and everything else is silent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from vaidol.graph.frames import Audio, Speech
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.vad._hysteresis import RATE, Hysteresis

LOUD = 0.003  # RMS of full scale, -50 dBFS


class SimVadSettings(Settings):
    onset_ms: int = Field(96, ge=0, le=1_000)
    """Sound in a row before speech is told, ms."""
    hangover_ms: int = Field(192, ge=0, le=2_000)
    """Silence before the end of speech is told, ms."""


class SimVad(Node[SimVadSettings]):
    """sim.vad: mark where it is loud.

    audio (Audio, 16 kHz), reference, others (Audio, ignored)
    -> speech (Speech, at onset and end, back-dated), audio (Audio, 16 kHz, passed on)
    """

    inputs = (
        Port("audio", Audio, rate=RATE, dtype="f32"),
        Port("reference", Audio, rate=RATE, dtype="f32", optional=True),
        Port("others", Audio, rate=RATE, dtype="f32", optional=True),
    )
    outputs = (Port("speech", Speech), Port("audio", Audio, rate=RATE, dtype="f32"))

    def __init__(self, settings: SimVadSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._hysteresis = Hysteresis(0.5, 0.5, settings.onset_ms, settings.hangover_ms, -100.0, 0.0)

    def process(self, port: str, frame: Audio) -> None:
        if port != "audio":  # a scenario has no echo
            return
        samples = frame.samples
        loud = len(samples) > 0 and float(np.dot(samples, samples)) > LOUD * LOUD * len(samples)
        end = frame.pts + len(samples)
        change = self._hysteresis.window(float(loud), 0.0, frame.pts, end)
        if change is not None:
            self.emit("speech", replace(change, born=self.ctx.clock.ns()))
        self.emit("audio", frame)

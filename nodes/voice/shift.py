"""voice.shift: another pitch and another size of the throat for any voice, without a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, field_validator

from vaidol.graph.frames import EMPTY, F32, Audio
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.adapt._streams import goes_on

if TYPE_CHECKING:
    from vaidol.models.shift import Shift, VoiceShifter


class ShiftSettings(Settings):
    preset: str = "none"
    """Where the settings below start from: none, bright, child, deep, giant, robot, tiny."""
    pitch: float | None = Field(None, ge=-24, le=24)
    """Melody up or down, semitones; 12 is an octave."""
    formant: float | None = Field(None, ge=-12, le=12)
    """Size of the speaker, semitones: up is smaller, down is bigger."""
    monotone_hz: float | None = Field(None, ge=0, le=600)
    """One pitch for everything, Hz, like a robot; 0 keeps the melody."""

    @field_validator("preset")
    @classmethod
    def _known(cls, name: str) -> str:
        from vaidol.models.shift import PRESETS

        if name not in PRESETS:
            raise ValueError(f"there is no preset '{name}'; there are: {', '.join(PRESETS)}")
        return name

    def shift(self) -> Shift:
        """The preset, changed by what is given."""
        from vaidol.models.shift import PRESETS

        given = {"pitch": self.pitch, "formant": self.formant, "monotone": self.monotone_hz}
        return replace(PRESETS[self.preset], **{name: value for name, value in given.items() if value is not None})


class ShiftVoice(Node[ShiftSettings]):
    """voice.shift: change a voice's pitch and formants while it streams.

    audio (Audio, 8 to 96 kHz) -> audio (Audio, as it came)

    It stays 40 ms behind; each sentence of each generation is a stream of its own and leaves whole, at its own samples.
    """

    inputs = (Port("audio", Audio, dtype="f32"),)
    outputs = (Port("audio", Audio, dtype="f32", like="audio"),)

    _shifter: VoiceShifter | None = None
    _last = Audio()  # of the stream under way
    _position = 0  # number of the sample that comes next
    _given = 0  # number of the sample that leaves next

    def process(self, port: str, frame: Audio) -> None:
        from vaidol.models.shift import VoiceShifter

        if self._shifter is not None and not goes_on(self._last, frame, self._position):
            self._end(replace(self._last, samples=EMPTY, sentence_end=False, final=False))
        if self._shifter is None:
            self._shifter = VoiceShifter(frame.rate, self.settings.shift())
            self._given = frame.pts
        self._last, self._position = frame, frame.pts + len(frame.samples)
        made = self._shifter.feed(frame.samples.astype(np.float32, copy=False))
        if frame.final or frame.sentence_end:
            self._end(frame, made)
        elif len(made):
            self._send(frame, made)

    def cut(self, cut: TurnCut) -> None:
        if self._last.gen == cut.gen:
            self._shifter = None

    def _end(self, frame: Audio, made: F32 = EMPTY) -> None:
        """Send what is still inside, with the flags of the stream's last frame."""
        assert self._shifter is not None
        made = np.concatenate((made, self._shifter.flush()))
        self._shifter = None
        if len(made) or frame.final or frame.sentence_end:
            self._send(frame, made)

    def _send(self, frame: Audio, made: F32) -> None:
        self.emit("audio", replace(frame, samples=made, pts=self._given))
        self._given += len(made)

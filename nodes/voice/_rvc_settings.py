"""The settings of voice.rvc."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Settings
from vaidol.models.f0 import METHODS
from vaidol.nodes._models import model_path

MOST_HEAD = 16 << 20  # bytes
TARGETS = {"low": 155.0, "high": 255.0}  # Hz, the medians that are usually asked for


class RvcSettings(Settings):
    model: str = Field(min_length=1)
    """The voice: a name from `vaidol models add`, or the path of a .pth or .safetensors file."""
    index: str = ""
    """Its .index; empty: the one that was added with it, if any; "none" to use none."""
    units: str = "contentvec"
    """ContentVec: a model of the catalogue, or the path of hubert_base.pt or of a Hugging Face folder."""
    retrieval: float = Field(0.0, ge=0, le=1)
    """How far what is said is drawn towards the index, 0..1; 0.5 to 0.75 is usual."""
    f0: str = "swift"
    """Where the pitch comes from; rmvpe needs its model (`vaidol models pull rmvpe`)."""
    rmvpe: str = "rmvpe"
    """RMVPE: a model of the catalogue, or the path of rmvpe.pt."""
    pitch: float | Literal["auto"] = 0.0
    """Melody up or down, semitones, -36..36; auto: whole semitones that bring the speaker to `target_hz`."""
    target_hz: float | Literal["low", "high", "voice"] = "voice"
    """For pitch auto: the usual pitch of the voice, Hz; low (155), high (255), or what was given with
    `vaidol models add --hz`."""
    formant: float = Field(0.0, ge=-12, le=12)
    """Size of the speaker, semitones: up is smaller."""
    autotune: float = Field(0.0, ge=0, le=1)
    """Pull towards the nearest note, 0..1."""
    unvoiced: Literal["keep", "interpolate"] = "keep"
    """What the pitch is where there is none: none, or between its neighbours."""
    protect: float = Field(0.5, ge=0, le=0.5)
    """Keeps breath and consonants from the index, 0..0.5; 0.5 is off."""
    loudness: float = Field(1.0, ge=0, le=1)
    """0: loudness of the sound that comes in; 1: the voice's own."""
    speaker: int = Field(0, ge=0)
    """Number of the speaker in a voice of several."""
    first_ms: int = Field(320, ge=100, le=5_000)
    """First block of a sentence, ms: short, so that sound comes soon; the next ones grow by a third each."""
    block_ms: int = Field(500, ge=60, le=5_000)
    """Longest block, and every block of a live voice, ms; longer ones cost less in all."""
    context_ms: int = Field(500, ge=0, le=5_000)
    """Sound before a block that is heard again with it, ms."""
    device: str = Field("auto", pattern=r"^(cpu|cuda(:\d+)?|auto)$")
    """Where it runs: cpu, cuda, cuda:1 ... or auto, a graphics card when there is one."""
    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"] = "auto"
    """Numbers of the network: auto is fp16 on a card, and on a processor int8, else bf16 where it is quicker, each only
    as long as what is heard stays the same (measured when it loads); else fp32. int8 is made once, and kept."""
    late_ms: int = Field(1_500, ge=100, le=60_000)
    """How long the voice may let the listener wait for the beginning of a sentence, or be behind a live voice, ms; then
    `while_late` goes on."""
    gap_ms: int = Field(600, ge=100, le=60_000)
    """The same within a sentence: the longest pause that is made because the next block is not ready, ms."""
    while_late: Literal["dry", "shift"] = "dry"
    """What is heard for the rest of a sentence when the voice is late or its process died: the sound as it came in, or
    that sound moved by `pitch` and `formant`."""

    @field_validator("model")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            model_path(name)
        except ProviderError as error:
            raise ValueError(str(error)) from None
        return name

    @field_validator("f0")
    @classmethod
    def _has_method(cls, name: str) -> str:
        if name not in METHODS:
            raise ValueError(f"there is no f0 method '{name}'; there are: {', '.join(METHODS)}")
        return name

    @model_validator(mode="after")
    def _in_range(self) -> RvcSettings:
        if self.pitch != "auto" and not -36 <= self.pitch <= 36:
            raise ValueError(f"pitch must be auto, or -36 to 36 semitones, not {self.pitch:g}")
        if isinstance(self.target_hz, float) and not 50 <= self.target_hz <= 1100:
            raise ValueError(f"target_hz must be low, high, voice, or 50 to 1100 Hz, not {self.target_hz:g}")
        if self.pitch == "auto" and self.target_hz == "voice" and not _usual_hz(model_path(self.model)):
            said = f"nothing says how high {self.model} usually speaks"
            raise ValueError(f"{said}: give pitch auto a target_hz (low, high, Hz), or add the voice with --hz")
        return self

    @property
    def key(self) -> str:
        """Equal keys share one copy of the weights."""
        return f"rvc {self.model} {self.index} {self.units} {self.f0} {self.rmvpe} {self.device} {self.precision}"


def _usual_hz(path: Path) -> float:
    """The pitch that was noted when the voice was added; 0 = none. Reads the head of the file alone."""
    if path.suffix != ".safetensors":
        return 0.0
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            about = json.loads(file.read(min(size, MOST_HEAD))).get("__metadata__", {})
        return float(about.get("usual_hz", 0))
    except (OSError, ValueError, struct.error, AttributeError):  # the loader says what is wrong with the file
        return 0.0

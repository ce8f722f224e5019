"""vad.silero: Silero VAD on onnxruntime; one copy of the weights hears all sessions, many at a time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import Field

from vaidol.graph.frames import EMPTY, F32, Audio, Speech
from vaidol.graph.node import Context, Need, Node, Progress, Settings
from vaidol.graph.ports import Port
from vaidol.nodes._models import model_errors, model_path
from vaidol.nodes.vad._ears import Ears, Stream, Verdict
from vaidol.nodes.vad._echo import EchoGuard
from vaidol.nodes.vad._hysteresis import BLOCK, RATE, Hysteresis

WINDOW = 512  # samples, 32 ms: what the network was trained on


class SileroVadSettings(Settings):
    model: str = "silero-vad-16k"
    """Model of the catalogue, or path of an ONNX file."""
    onset_probability: float = Field(0.5, ge=0, le=1)
    """A window this likely to be speech can begin it, 0..1."""
    offset_probability: float = Field(0.35, ge=0, le=1)
    """A window this likely to be speech keeps it going, 0..1."""
    onset_ms: int = Field(96, ge=0, le=1_000)
    """Speech in a row before it is told, ms; what is told is the moment it began. Clicks are shorter than 90 ms."""
    hangover_ms: int = Field(192, ge=0, le=2_000)
    """No speech for this long before its end is told, ms; what is told is the moment it ended. Stop consonants are
    silent for up to 100 ms."""
    min_dbfs: float = Field(-55.0, ge=-100, le=0)
    """Speech begins at this level at least, dBFS (RMS of a 32 ms window)."""
    above_noise_db: float = Field(6.0, ge=0, le=40)
    """Speech begins this much above the noise floor, dB; the floor follows the level between speech: down within
    160 ms, up within 1.6 s."""
    echo_share: float = Field(0.35, ge=0, le=1)
    """Sound of which a delayed copy of the avatar's own voice, or of those of others in the same room, explains this
    much of the power is no speech, 0..1; only where `reference` or `others` comes in. 1 = never."""


class SileroVad(Node[SileroVadSettings]):
    """vad.silero: mark where the user speaks.

    audio (Audio, 16 kHz), reference (Audio, 16 kHz, what the avatar plays), others (Audio, 16 kHz, what others say)
    -> speech (Speech, at onset and end, back-dated), audio (Audio, 16 kHz, passed on)

    Of one frame, `speech` leaves before `audio`. An onset is told `onset_ms` after it, an end `hangover_ms` after it,
    each up to 32 ms later because windows are judged whole. An end is known to 4 ms: that is how finely the level of
    the last windows is looked at. Without that it would lie 60 ms behind the last loud sample (measured, median).
    Where 8 sessions and more are heard, all of this comes up to 4 ms later, since their windows are judged together.
    """

    inputs = (
        Port("audio", Audio, rate=RATE, dtype="f32"),
        Port("reference", Audio, rate=RATE, dtype="f32", optional=True),
        Port("others", Audio, rate=RATE, dtype="f32", optional=True),
    )
    outputs = (Port("speech", Speech), Port("audio", Audio, rate=RATE, dtype="f32"))
    carries = ("_rest", "_at", "_echoes", "_windows", "_frames", "_asked", "_told")

    def __init__(self, settings: SileroVadSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._echo_share = settings.echo_share
        self._rest: F32 = EMPTY  # samples that fill no window yet
        self._at = 0  # number of the first of them
        self._windows: deque[tuple[F32, int]] = deque()  # asked about, each with the number of its first sample
        self._frames: deque[tuple[Audio, int]] = deque()  # held back until so many windows are judged
        self._asked = self._told = 0  # windows
        self._again: list[F32] = []  # windows that another node asked about, and whose place this one took
        self._close: Callable[[], None] = lambda: None
        self._echoes = {"reference": EchoGuard(), "others": EchoGuard()}  # by what plays
        self._hysteresis = Hysteresis(
            onset=settings.onset_probability,
            offset=min(settings.offset_probability, settings.onset_probability),
            onset_ms=settings.onset_ms,
            hangover_ms=settings.hangover_ms,
            min_dbfs=settings.min_dbfs,
            above_noise_db=settings.above_noise_db,
        )

    @classmethod
    def needs(cls, settings: SileroVadSettings) -> tuple[Need, ...]:
        return (Need(f"silero {settings.model}", "voice detection", lambda progress: _load(settings.model, progress)),)

    async def open(self) -> None:
        ears: Ears = self.ctx.shared(f"silero {self.settings.model}")
        self._stream = Stream(ears, self.ctx.clock, self._judge, self.ctx.guarded)
        self._close = self._stream.close

    def export_state(self) -> dict[str, Any]:
        return {**super().export_state(), "hysteresis": self._hysteresis}

    def import_state(self, state: dict[str, Any]) -> None:
        """Whether somebody speaks, and how loud the room is, is known already; what was not judged yet will be."""
        super().import_state(state)
        self._windows, self._frames = self._windows.copy(), self._frames.copy()
        self._again = [window for window, _ in self._windows]
        if isinstance(before := state.get("hysteresis"), Hysteresis):
            self._hysteresis.go_on(before)

    def process(self, port: str, frame: Audio) -> None:
        if port in self._echoes:
            self._echoes[port].play(frame.samples.astype(np.float32, copy=False))
            return
        if frame.pts > self._at + len(self._rest):  # sound is missing: what is there fills no window with it
            self._rest, self._at = EMPTY, frame.pts
        samples = np.concatenate((self._rest, frame.samples.astype(np.float32, copy=False)))
        whole = len(samples) // WINDOW * WINDOW
        windows = [samples[begin : begin + WINDOW] for begin in range(0, whole, WINDOW)]
        self._windows.extend((window, self._at + number * WINDOW) for number, window in enumerate(windows))
        self._rest, self._at = samples[whole:], self._at + whole
        self._asked += len(windows)
        self._frames.append((frame, self._asked))
        self._stream.hear([*self._again, *windows])
        self._again = []
        self._pass_on()

    async def close(self) -> None:
        self._close()

    def _judge(self, verdict: Verdict) -> None:
        """Take the network's word on the window that waits longest."""
        window, start = self._windows.popleft()
        self._told += 1
        probability = verdict()
        for echo in self._echoes.values():
            echo.hear(window, start + WINDOW)
        if probability >= self._hysteresis.offset and self._is_echo():
            probability = 0.0
        dbfs, blocks = _levels(window)
        change = self._hysteresis.window(probability, dbfs, start, start + WINDOW, blocks)
        if change is not None:
            self.emit("speech", replace(change, born=self.ctx.clock.ns()))
        self._pass_on()

    def _is_echo(self) -> bool:
        return any(echo.playing and echo.echoes(self._echo_share) for echo in self._echoes.values())

    def _pass_on(self) -> None:
        """Send on the frames whose windows are all judged."""
        while self._frames and self._frames[0][1] <= self._told:
            self.emit("audio", self._frames.popleft()[0])


def _levels(window: F32) -> tuple[float, list[float]]:
    """Level of `window` and of each `BLOCK` samples of it, dB below full scale (RMS)."""
    blocks = window.reshape(-1, BLOCK)
    powers = np.einsum("ij,ij->i", blocks, blocks)
    if not math.isfinite(float(powers.sum())):
        return _levels(np.nan_to_num(window, nan=0.0, posinf=0.0, neginf=0.0).clip(-1, 1))
    powers /= BLOCK
    return 10 * math.log10(float(powers.mean()) + 1e-10), (10 * np.log10(powers + 1e-10)).tolist()


def _load(model: str, progress: Progress) -> Ears:
    from vaidol.models.silero import Silero

    progress(0.0, model)
    path = model_path(model)
    with model_errors():
        return Ears(Silero(path))

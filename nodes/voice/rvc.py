"""voice.rvc: speak with an RVC voice, streaming; from the files its owner already has."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import EMPTY, F32, Audio
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Need, Node
from vaidol.graph.ports import Port
from vaidol.nodes.adapt._streams import goes_on
from vaidol.nodes.voice._dry import Dry
from vaidol.nodes.voice._rvc_live import LiveVoice
from vaidol.nodes.voice._rvc_settings import RvcSettings
from vaidol.nodes.voice._rvc_voice import AHEAD_MS, HEARD, SPOKEN, Heard, RvcVoice, load

if TYPE_CHECKING:
    from vaidol.models.shift import Shift

OPEN_S = 10.0


@dataclass(slots=True)
class _Stream:
    """One sentence on its way through."""

    name: str
    left: int  # samples that left, counted from the session's start, 48 kHz
    wanted: int  # samples to be heard before the next block can be spoken, 16 kHz
    asked: int = 0  # samples given to the voice
    heard: F32 = field(default_factory=lambda: EMPTY)  # from the first sample that has not left
    begun: int = 0  # which that is
    spoken: int = 0  # samples that left in the voice, 48 kHz
    last: float = 0.0  # the last sample that left
    dry: Dry | None = None  # what goes on since the voice was late

    def hear(self, frame: Audio) -> None:
        self.heard = np.concatenate((self.heard, frame.samples.astype(np.float32, copy=False)))

    @property
    def end(self) -> int:
        return self.begun + len(self.heard)

    def part(self, end: int) -> F32:
        """What was not given to the voice yet, up to sample `end`."""
        return self.heard[self.asked - self.begun : end - self.begun]

    def leaves(self, made: F32) -> None:
        """`made` leaves in the voice."""
        self.spoken += len(made)
        begun = min(self.spoken * HEARD // SPOKEN, self.end)
        self.heard, self.begun = self.heard[begun - self.begun :], begun
        self.last = float(made[-1]) if len(made) else self.last


class RvcNode(Node[RvcSettings]):
    """voice.rvc: speak what comes in with an RVC voice.

    audio (Audio, 16 kHz) -> audio (Audio, 48 kHz)

    It computes in a worker process (`place: thread` keeps it in this one). Each sentence of each generation is a stream
    of its own and leaves as long as it came. A live voice (a microphone) is one stream. When the voice is late, or its
    process dies, the dry or shifted sound goes on: counted (`late`), and told to the page.
    """

    inputs = (Port("audio", Audio, rate=HEARD, dtype="f32"),)
    outputs = (Port("audio", Audio, rate=SPOKEN, dtype="f32"),)

    def __init__(self, settings: RvcSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._owner = f"{ctx.session} {ctx.node} {id(self)}"
        self._number = 0  # of streams
        self._stream: _Stream | None = None
        self._last = Audio()
        self._position = 0  # number of the sample that comes next
        self._plays_until_s = 0.0  # when the listener will have heard all that left
        self._impatient = False  # the last stream was late: wait no more while the voice is still at it
        self._told = -1  # the generation whose listener knows
        self._cut: list[str] = []  # streams that the voice may forget
        self._live: LiveVoice | None = None

    @classmethod
    def needs(cls, settings: RvcSettings) -> tuple[Need, ...]:
        return (Need(settings.key, "voice", partial(load, settings), host="process"),)

    async def open(self) -> None:
        try:
            about = await self.ctx.ask(self.settings.key, RvcVoice.about, within_s=OPEN_S)
        except ProviderError as error:
            if error.code in ("process", "timeout", "busy"):
                return  # it is being started again, or much asked: the call begins all the same
            raise
        if not self.settings.speaker < about.speakers:
            raise ProviderError(
                f"the voice {self.settings.model} has the speakers 0 to {about.speakers - 1}", code="speaker"
            )
        if about.said and self.settings.precision != "auto":
            self.ctx.trouble(about.said, code="precision")

    async def process(self, port: str, frame: Audio) -> None:
        if frame.of is None and not frame.gen:
            if self._live is None:
                shift, said = dry_shift(self.settings), partial(lateness, self.settings)
                self._live = LiveVoice(self.settings, self.ctx, self.emit, owner=self._owner, shift=shift, said=said)
            self._live.hear(frame)
            return
        if self._stream is not None and not goes_on(self._last, frame, self._position):
            await self._speak(self._stream, replace(self._last, sentence_end=False, final=False), end=True)
        if self._stream is None:
            self._number += 1
            wanted = (self.settings.first_ms + AHEAD_MS) * HEARD // 1000
            self._stream = _Stream(f"{self._owner} {self._number}", frame.pts * SPOKEN // HEARD, wanted)
        self._last, self._position = frame, frame.pts + len(frame.samples)
        self._stream.hear(frame)
        await self._speak(self._stream, frame, end=frame.final or frame.sentence_end)

    def cut(self, cut: TurnCut) -> None:
        if self._last.gen == cut.gen and self._stream is not None:
            self._cut.append(self._stream.name)
            self._stream = None
            self._plays_until_s = 0.0

    async def close(self) -> None:
        if self._live is not None:
            self._live.close()

    # a sentence

    async def _speak(self, stream: _Stream, frame: Audio, *, end: bool) -> None:
        """Send all that can be said by now, with the flags of `frame` where it ends."""
        while stream.dry is None and stream.end >= stream.wanted:
            made = await self._made(stream, stream.part(stream.wanted), end=False)
            if stream is not self._stream:  # cut meanwhile
                return
            await self._send(stream, frame, made)
        made = EMPTY
        if stream.dry is None and end:
            made = await self._made(stream, stream.part(stream.end), end=True)
        if stream is not self._stream:
            return
        if stream.dry is not None and not len(made):
            made = stream.dry.feed(stream.heard, end=end)
            stream.begun, stream.heard = stream.end, EMPTY
        self._stream = None if end else stream
        await self._send(stream, frame, made, end=end)

    async def _made(self, stream: _Stream, samples: F32, *, end: bool) -> F32:
        """What the voice makes of the stream's next samples; nothing when it is late, and `stream.dry` from then on."""
        settings, host = self.settings, self.ctx.shared(self.settings.key)
        stream.asked += len(samples)
        try:
            if self._impatient and host.behind:
                raise ProviderError("it is still at what came before", code="timeout")
            heard = Heard(self._owner, stream.name, settings, samples, end, tuple(self._cut))
            patience_s = self._patience_s(stream)
            made = await self.ctx.ask(settings.key, RvcVoice.speak, heard, within_s=patience_s)
        except (ProviderError, RuntimeError, ValueError) as error:  # the latter two are what torch and faiss raise
            self._late(stream, error)
            return EMPTY
        self._impatient = False
        self._cut.clear()
        stream.wanted = stream.asked + max(made.wants, 1)
        return made.samples

    def _patience_s(self, stream: _Stream) -> float:
        """How long the next block may take: what the listener still has to hear, and the pause that is allowed."""
        left_s = max(0.0, self._plays_until_s - self.ctx.clock.s())
        return left_s + (self.settings.gap_ms if stream.begun else self.settings.late_ms) / 1000

    def _late(self, stream: _Stream, error: Exception) -> None:
        """The rest of the sentence is not spoken by the voice."""
        self.ctx.count("late")
        self._impatient = True
        self._cut.append(stream.name)
        skip = stream.spoken - stream.begun * SPOKEN // HEARD
        stream.dry = Dry(dry_shift(self.settings), stream.last, skip)
        if self._last.gen != self._told or not self._told:
            self._told = self._last.gen
            self.ctx.trouble(lateness(self.settings, error), code="late", gen=self._last.gen)

    async def _send(self, stream: _Stream, frame: Audio, made: F32, *, end: bool = False) -> None:
        flags = end and (frame.final or frame.sentence_end)
        if not len(made) and not flags:
            return
        if stream.dry is None:
            stream.leaves(made)
        at, stream.left = stream.left, stream.left + len(made)
        self._plays_until_s = max(self._plays_until_s, self.ctx.clock.s()) + len(made) / SPOKEN
        whole = replace(frame, samples=made, rate=SPOKEN, pts=at)
        await self.send("audio", whole if end else replace(whole, sentence_end=False, final=False))


def dry_shift(settings: RvcSettings) -> Shift | None:
    """How the sound is moved that goes on in the place of the voice."""
    from vaidol.models.shift import Shift

    if settings.while_late == "dry":
        return None
    return Shift(
        pitch=0.0 if settings.pitch == "auto" else max(-24.0, min(settings.pitch, 24.0)), formant=settings.formant
    )


def lateness(settings: RvcSettings, error: Exception) -> str:
    """The sentence for the people in the call."""
    goes_on = "the sound goes on as it is" if settings.while_late == "dry" else "the shifted sound goes on"
    if isinstance(error, ProviderError) and error.code in ("timeout", "busy"):
        return f"this machine is too slow for the voice {settings.model}: {goes_on}"
    return f"the voice {settings.model} failed ({error}): {goes_on}"

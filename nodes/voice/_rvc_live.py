"""A live voice through RVC: what is heard goes to the voice in blocks while the next one is heard already.

What comes back leaves in real time, 20 ms with each tick. When too much waits to be spoken, what comes in passes as it
is, or shifted, and the voice is tried again later, after a longer while each time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import EMPTY, F32, Audio, Frame
from vaidol.graph.node import Context
from vaidol.nodes.voice._dry import Dry
from vaidol.nodes.voice._rvc_settings import RvcSettings
from vaidol.nodes.voice._rvc_voice import AHEAD_MS, HEARD, SPOKEN, Heard, RvcVoice

if TYPE_CHECKING:
    from vaidol.models.shift import Shift

HUNG_S = 30.0
TICK = SPOKEN // 50  # samples of 20 ms
AGAIN_S, AGAIN_MAX_S = 1.0, 30.0  # before the voice is tried again after it was late
STEADY_S = 30.0  # in time for so long, it is trusted as at first
SPARE = SPOKEN * 60 // 1000  # samples that may wait before a block comes; what was never needed for BLOCKS is left out
BLOCKS = 4
BLEND = 240  # samples, 5 ms, of a joint


class LiveVoice:
    """One microphone. `hear` takes its frames; what is to be heard is emitted."""

    def __init__(
        self,
        settings: RvcSettings,
        ctx: Context,
        emit: Callable[[str, Frame], None],
        *,
        owner: str,
        shift: Shift | None,
        said: Callable[[Exception], str],
    ) -> None:
        """`shift`: of what passes while the voice is late; `said`: what people are told then."""
        self._settings = settings.model_copy(update={"first_ms": settings.block_ms})  # growing blocks would leave gaps
        self._ctx, self._emit, self._owner = ctx, emit, f"{owner} live"
        self._shift, self._said = shift, said
        self._number = 0  # of streams
        self._heard: F32 = EMPTY  # and not given to the voice yet
        self._waits = 0  # samples heard and not spoken, 16 kHz
        self._wanted = 0  # samples to be heard before the next block can be spoken
        self._asking = False
        self._ready: F32 = EMPTY  # spoken, to leave with the ticks
        self._spare: deque[int] = deque(maxlen=BLOCKS)  # what was still there when the last blocks came
        self._dry: Dry | None = None
        self._last = 0.0  # the last sample that left
        self._left = -1  # samples that left, from the session's start
        self._again_s, self._back_at_s, self._trusted_at_s = AGAIN_S, 0.0, 0.0
        self._begin()
        self.close = ctx.each_tick(self._tick)

    def hear(self, frame: Audio) -> None:
        """The next frame of the microphone."""
        samples = frame.samples.astype(np.float32, copy=False)
        if self._left < 0:
            self._left = frame.pts * SPOKEN // HEARD
        if self._dry is not None and self._may_return(frame):
            self._dry = None
            self._begin()
        if self._dry is None and self._too_late(frame):
            self._be_late(ProviderError("it is behind", code="timeout"))
        if self._dry is not None:
            self._ctx.count("late")
            self._leave(self._dry.feed(samples))
            return
        self._heard = np.concatenate((self._heard, samples))
        self._waits += len(samples)
        if len(self._heard) >= self._wanted and not self._asking:
            self._asking = True
            self._ctx.spawn(self._speak(self._number))

    def _begin(self) -> None:
        """A new stream."""
        self._number += 1
        self._heard, self._waits = EMPTY, 0
        self._wanted = (self._settings.block_ms + AHEAD_MS) * HEARD // 1000
        self._trusted_at_s = self._ctx.clock.s() + STEADY_S

    async def _speak(self, number: int) -> None:
        """Give the voice all that was heard, as long as that makes a block."""
        settings, name, before = self._settings, f"{self._owner} {number}", f"{self._owner} {number - 1}"
        while number == self._number and self._dry is None and len(self._heard) >= self._wanted:
            samples, self._heard = self._heard, EMPTY
            try:
                heard = Heard(self._owner, name, settings, samples, cut=(before,))
                made = await self._ctx.ask(settings.key, RvcVoice.speak, heard, within_s=HUNG_S)
            except (ProviderError, RuntimeError, ValueError) as error:
                self._be_late(error, number)
                break
            if number == self._number and self._dry is None:
                self._wanted = made.wants
                self._take(made.samples)
        self._asking = False

    def _take(self, made: F32) -> None:
        """A block comes back. What waits longer than it ever needed to is shortened, so that no delay stays."""
        self._waits -= len(made) * HEARD // SPOKEN
        self._spare.append(len(self._ready))
        too_much = min(self._spare) - SPARE if len(self._spare) == BLOCKS else 0
        if too_much > BLEND and len(made) > too_much + BLEND:
            rise = np.linspace(0, 1, BLEND, dtype=np.float32)
            kept = made[too_much:].copy()
            kept[:BLEND] = made[:BLEND] * (1 - rise) + kept[:BLEND] * rise
            made = kept
            self._spare.clear()
        self._ready = np.concatenate((self._ready, made))
        if self._ctx.clock.s() >= self._trusted_at_s:
            self._again_s = AGAIN_S

    def _too_late(self, frame: Audio) -> bool:
        age_ms = (self._ctx.clock.ns() - frame.born) / 1e6 if frame.born else 0.0
        usual_ms = self._settings.block_ms + AHEAD_MS
        return age_ms > self._settings.late_ms or self._waits * 1000 / HEARD > usual_ms + self._settings.late_ms

    def _be_late(self, error: Exception, number: int | None = None) -> None:
        """From now on what comes in passes; the voice is tried again after a while."""
        if self._dry is not None or number not in (None, self._number):
            return
        self._dry, self._ready, self._waits = Dry(self._shift, self._last), EMPTY, 0
        self._back_at_s = self._ctx.clock.s() + self._again_s
        self._ctx.trouble(self._said(error), code="late")
        self._again_s = min(2 * self._again_s, AGAIN_MAX_S)

    def _may_return(self, frame: Audio) -> bool:
        host = self._ctx.shared(self._settings.key)
        rested = self._ctx.clock.s() >= self._back_at_s and not self._asking
        return rested and host.ready and not host.behind and not self._too_late(frame)

    def _tick(self, skipped: int) -> None:
        """20 ms leave, or as many as ticks were left out."""
        count = min(TICK * (1 + skipped), len(self._ready))
        if count:
            out, self._ready = self._ready[:count], self._ready[count:]
            self._leave(out)

    def _leave(self, out: F32) -> None:
        if len(out):
            at, self._left, self._last = self._left, self._left + len(out), float(out[-1])
            self._emit("audio", Audio(samples=out.copy(), rate=SPOKEN, pts=at))

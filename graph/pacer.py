"""The pacer: reply audio in as it comes, one packet out per tick, and the cursor that knows what was heard."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.frames import F32, Audio, Mark, Sentence
from vaidol.graph.generations import ALIVE, DEAD, Fence
from vaidol.graph.heard import Spoken

RATE = 48_000  # Hz, what WebRTC carries
STEP = 960  # samples of one packet, 20 ms
RAMP = 144  # samples, 3 ms: from the last sample to silence when sound is cut, so that it does not click
FADE_OUT = STEP - 320  # samples: a packet less the 6.5 ms by which Opus delays, so that the next packet is silent
ROOM_MS = 80.0  # the pacer asks for more below this; what waits before it stays in the edge, where a cut drops it
SILENT: F32 = np.zeros(STEP, np.float32)
SILENT.setflags(write=False)


@dataclass(slots=True)
class Packet:
    """One tick of output: `samples` (960,) float32 mono 48 kHz from sample `pts` on, and what happened within it.

    gen: the generation heard in it, 0 = silence. marks: what the playout cursor passed, with its sample.
    """

    samples: F32
    pts: int
    gen: int
    marks: list[Mark]


class Pacer:
    """Queue, cursor and fades of one listener's output. Synchronous; all of it on the loop's thread.

    Samples of dead generations are never returned, those of a speculative one wait until it is committed.
    """

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._queue: deque[tuple[Audio, int]] = deque()  # frame, samples of it already played; bounded by ROOM_MS
        self._log: dict[int, list[Spoken]] = {}  # by generation under way
        self._pts = 0
        self._last = 0.0
        self._holding = False
        self._gain = 1.0
        self._room = asyncio.Event()
        self._room.set()
        self.underruns = 0
        fence.playout = self

    @property
    def pts(self) -> int:
        """The playout cursor: output samples released since the session began, silence included."""
        return self._pts

    @property
    def depth_ms(self) -> float:
        return sum((len(frame.samples) - at) * 1000 / RATE for frame, at in self._queue)

    @property
    def holding(self) -> bool:
        """Whether what waits is held back."""
        return self._holding

    def peek(self, most: int) -> tuple[F32, int, bool]:
        """What is played next: up to `most` samples of one living reply, its generation (0: nothing), and whether its
        end is among them. Whatever happens meanwhile may change it."""
        parts: list[F32] = []
        length, gen = 0, 0
        for frame, at in self._queue:
            life = self._fence.life[frame.gen]
            if life == DEAD:
                continue
            if life != ALIVE or (gen and frame.gen != gen) or length >= most:
                break
            gen = frame.gen
            part: F32 = frame.samples[at : at + most - length].astype(np.float32, copy=False)
            parts.append(part)
            length += len(part)
            if frame.final and at + len(part) == len(frame.samples):
                return np.concatenate(parts), gen, True
        return (np.concatenate(parts) if parts else SILENT[:0]), gen, False

    async def room(self) -> None:
        """Wait until less than `ROOM_MS` is queued."""
        await self._room.wait()

    def push(self, frame: Audio) -> None:
        """Queue reply audio (48 kHz float32), unless its reply is dead. Raises `ValueError` for another rate."""
        if len(frame.samples) and frame.rate != RATE:
            raise ValueError(f"the pacer takes {RATE} Hz, not {frame.rate}")
        if not self._fence.alive(frame.gen):
            return
        log = self._log.setdefault(frame.gen, [])
        if frame.of is not None:
            if not log or log[-1].sentence is not frame.of:
                log.append(Spoken(frame.of))
            log[-1].give(frame)
        self._queue.append((frame, 0))
        self._notice_room()

    def pull(self, skipped: int = 0) -> Packet:
        """The next packet. `skipped` packets were left out before it after a stall: the cursor jumps over them."""
        self._pts += skipped * STEP
        if not self._queue and not self._last:
            return self._quiet()
        out = np.zeros(STEP, np.float32)
        marks: list[Mark] = []
        if self._holding and not self._last:
            self._gain = 0.0  # nothing sounds: no fade, so that a reply that comes during a hold stays unheard
        filled, gen = (0, 0) if self._silent() else self._fill(out, marks)
        if filled < STEP:
            self._ramp_down(out, filled)
        if filled:
            self._fade(out)
        self._last = float(out[-1])
        packet = Packet(out, self._pts, gen if filled else 0, marks)
        self._pts += STEP
        self._notice_room()
        return packet

    def _quiet(self) -> Packet:
        """The next packet where nothing sounds and nothing waits: most of them."""
        if self._holding:
            self._gain = 0.0
        packet = Packet(SILENT, self._pts, 0, [])
        self._pts += STEP
        return packet

    def heard(self, gen: int) -> tuple[str, float]:
        """Text and ms of `gen` played so far: whole sentences, and the last one up to its last whole word."""
        texts, samples = [], 0
        for spoken in self._log.get(gen, []):
            samples += spoken.played
            texts.append(spoken.heard())
        return " ".join(filter(None, texts)), samples * 1000 / RATE

    def protects(self, first_ms: float) -> bool:
        """Whether a protected sentence, or the first `first_ms` of a reply, is being heard."""
        for log in self._log.values():
            heard = [spoken for spoken in log if spoken.played]
            if heard and (sum(spoken.played for spoken in heard) * 1000 < first_ms * RATE or heard[-1].protected):
                return True
        return False

    @property
    def sounding(self) -> Sentence | None:
        """The sentence that is being heard and not over."""
        latest = (next((spoken for spoken in reversed(log) if spoken.played), None) for log in self._log.values())
        return next((spoken.sentence for spoken in latest if spoken is not None and not spoken.over), None)

    def clear(self, gen: int) -> int:
        """Drop what is queued of `gen`; returns the sample from which on it is silent."""
        self._queue = deque((frame, at) for frame, at in self._queue if frame.gen != gen)
        self._log.pop(gen, None)
        if not self._queue:  # another reply may be held: it stays so
            self._holding, self._gain = False, 1.0
        self._notice_room()
        return self._pts

    def hold(self) -> None:
        """Fade out within one packet and keep the rest."""
        self._holding = True

    def resume(self) -> None:
        """Fade in where `hold` stopped."""
        self._holding = False

    def _silent(self) -> bool:
        return self._holding and self._gain == 0.0

    def _fill(self, out: F32, marks: list[Mark]) -> tuple[int, int]:
        """Copy queued samples into `out`; returns how many, and their generation."""
        filled, gen = 0, 0
        while filled < STEP and self._queue:
            frame, at = self._queue[0]
            life = self._fence.life[frame.gen]
            if life == DEAD:
                self._queue.popleft()
                continue
            if life != ALIVE or (gen and frame.gen != gen):
                break
            gen = frame.gen
            take = min(STEP - filled, len(frame.samples) - at)
            self._starts(frame, at, filled, marks)
            out[filled : filled + take] = frame.samples[at : at + take]
            filled += take
            self._advance(frame, at, take)
            if at + take == len(frame.samples):
                self._queue.popleft()
                self._ends(frame, filled, marks)
            else:
                self._queue[0] = (frame, at + take)
        if filled < STEP and gen and self._fence.alive(gen) and not any(m.kind == "reply_end" for m in marks):
            self.underruns += 1
        return filled, gen

    def _starts(self, frame: Audio, at: int, filled: int, marks: list[Mark]) -> None:
        spoken = self._spoken(frame)
        if spoken and at == 0 and spoken.played == 0 and len(frame.samples):
            marks.append(self._mark("sentence_start", frame, filled))

    def _advance(self, frame: Audio, at: int, take: int) -> None:
        spoken = self._spoken(frame)
        if spoken:
            spoken.played += take

    def _ends(self, frame: Audio, filled: int, marks: list[Mark]) -> None:
        if frame.sentence_end and frame.of is not None:
            marks.append(self._mark("sentence_end", frame, filled))
        if frame.final:
            marks.append(self._mark("reply_end", frame, filled))
            self._log.pop(frame.gen, None)

    def _spoken(self, frame: Audio) -> Spoken | None:
        return next((s for s in self._log.get(frame.gen, []) if s.sentence is frame.of), None)

    def _mark(self, kind: str, frame: Audio, filled: int) -> Mark:
        final = kind == "reply_end"
        return Mark(
            kind=kind,  # type: ignore[arg-type]
            sentence=frame.of,
            words=frame.words,
            pts=self._pts + filled,
            final=final,
            gen=frame.gen,
            trace=frame.trace,
        )

    def _fade(self, out: F32) -> None:
        """Move the gain towards 0 (held) or 1 over this packet."""
        goal = 0.0 if self._holding else 1.0
        if self._gain != goal or goal == 0.0:
            length = STEP if goal else FADE_OUT
            out[:length] *= np.linspace(self._gain, goal, length, dtype=np.float32)
            out[length:] *= np.float32(goal)
            self._gain = goal

    def _ramp_down(self, out: F32, filled: int) -> None:
        """Where sound stops within or before this packet: slide from its last sample to zero instead of jumping."""
        last = float(out[filled - 1]) if filled else self._last
        if last:
            length = min(RAMP, STEP - filled)
            out[filled : filled + length] = np.linspace(last, 0.0, length, dtype=np.float32)

    def _notice_room(self) -> None:
        if self.depth_ms < ROOM_MS:
            self._room.set()
        else:
            self._room.clear()


def to_int16(samples: F32) -> NDArray[np.int16]:
    """[-1, 1] float32 to int16, clipped; NaN becomes 0."""
    power = float(np.dot(samples, samples))
    if not power:
        return np.zeros(len(samples), np.int16)
    if not math.isfinite(power):  # looking for single bad samples costs more than all the rest
        samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    scaled = samples * np.float32(32767.0)
    np.rint(scaled, out=scaled)
    clipped: NDArray[np.int16] = scaled.clip(-32768, 32767).astype(np.int16)
    return clipped

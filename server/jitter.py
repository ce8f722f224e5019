"""The receive buffer: audio packets in, in any order and with any missing; sound out, in order and without a hole."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vaidol.graph.clock import Clock
from vaidol.graph.frames import F32

RATE = 48_000  # Hz, of the sound and of RTP timestamps of Opus
STEP = 960  # samples, 20 ms
HOLE_S = 0.040  # how long a missing packet is waited for; reordering is over by then
CAPACITY = 50  # packets that wait behind a hole, 1 s
FAR = 3000  # packets, 60 s: a number this far off means that the sender began anew
FILL_S = 1.0  # longest hole that is filled; a longer one is a jump of the sender's clock
QUIET_S = 0.400  # without any packet for this long, silence is given in real time, so that a turn can end
QUIET_END_S = 5.0  # and no longer after this
DTX_BYTES = 2  # a packet this short says that the speaker is silent and fewer packets will come (RFC 6716, 2.1.9)
DTX_QUIET_S = 0.060
FADE_IN = 120  # samples, 2.5 ms, where sound begins again behind a hole
EARLY_S = 0.001  # a timer may come this much early


@dataclass(slots=True)
class Counts:
    """What happened to the packets of one connection. filled: samples that were made up."""

    received: int = 0
    lost: int = 0
    late: int = 0
    duplicates: int = 0
    broken: int = 0
    restarts: int = 0
    filled: int = 0


@dataclass(slots=True)
class _Waiting:
    timestamp: int
    payload: bytes
    arrived_s: float


@dataclass(slots=True)
class _Recent:
    """Packet numbers that were skipped as lost, to tell a late packet from a second copy; bounded."""

    order: deque[int] = field(default_factory=lambda: deque(maxlen=512))

    def skip(self, first: int, behind: int) -> None:
        self.order.extend(range(max(first, behind - 512), behind))

    def came(self, number: int) -> bool:
        """Whether `number` had been given up; it counts as come now."""
        if number in self.order:
            self.order.remove(number)
            return True
        return False


class JitterBuffer:
    """Hands sound on at once while packets come in order; holds it back behind a missing one for `HOLE_S` at most.

    `decode(payload)` gives (n,) float32 mono 48 kHz, or None for a packet that cannot be decoded. `give` gets the
    sound; its samples are continuous: a hole is filled with what was heard last, faded out, then silence. There is no
    playout clock in here, so a burst after a stall passes on at once, and a sender's drifting clock changes nothing.
    """

    def __init__(self, clock: Clock, decode: Callable[[bytes], F32 | None], give: Callable[[F32], None]) -> None:
        self._clock = clock
        self._decode = decode
        self._give = give
        self._source: int | None = None
        self._next = 0  # number of the packet to be played next, counted on beyond 16 bits
        self._begun = 0  # number of the stream's first packet
        self._due: int | None = None  # its timestamp, counted on beyond 32 bits
        self._waiting: dict[int, _Waiting] = {}  # by number
        self._skipped = _Recent()
        self._last: F32 = np.zeros(STEP, np.float32)  # the packet played last
        self._broken_off = False  # the sound given last was made up
        self._arrived_s = 0.0
        self._silent_s = QUIET_S  # without a packet until silence is given
        self._given_s = 0.0  # until when sound was given, while it is made up in real time
        self._hole: asyncio.TimerHandle | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self._closed = False
        self.counts = Counts()

    def add(self, source: int, number: int, timestamp: int, payload: bytes) -> None:
        """A packet of the stream `source` (SSRC) came: its 16-bit number, 32-bit timestamp and Opus payload."""
        if self._closed:
            return
        now = self._clock.s()
        self.counts.received += 1
        index = _unwrap(number, self._next, 16)
        if source != self._source or abs(index - self._next) > FAR:
            self._restart(source, number)
            index = number
        self._arrived_s = now
        self._watch(DTX_QUIET_S if len(payload) <= DTX_BYTES else QUIET_S)
        if index < self._next:
            late = index < self._begun or self._skipped.came(index)
            self.counts.late += late
            self.counts.duplicates += not late
        elif index in self._waiting:
            self.counts.duplicates += 1
        else:
            self._waiting[index] = _Waiting(timestamp, payload, now)
            self._release(now)

    def close(self) -> None:
        """Nothing is given any more."""
        self._closed = True
        self._waiting.clear()
        for timer in (self._hole, self._quiet):
            if timer is not None:
                timer.cancel()
        self._hole = self._quiet = None

    def _restart(self, source: int, number: int) -> None:
        """Another stream begins: what waits of the old one is played first."""
        if self._source is not None:
            self.counts.restarts += 1
        for index in sorted(self._waiting):
            self._play(self._waiting.pop(index))
        self._source, self._next, self._begun, self._due = source, number, number, None
        self._skipped = _Recent()

    def _release(self, now: float) -> None:
        """Play whatever is in order, and skip a hole that was waited for long enough."""
        waiting = self._waiting
        while waiting:
            packet = waiting.pop(self._next, None)
            if packet is None:
                since = min(one.arrived_s for one in waiting.values())
                if now < since + HOLE_S - EARLY_S and len(waiting) < CAPACITY:
                    self._wait_until(since + HOLE_S)
                    return
                first = min(waiting)
                self.counts.lost += first - self._next
                self._skipped.skip(self._next, first)
                self._next = first
            else:
                self._next += 1
                self._play(packet)
        if self._hole is not None:
            self._hole.cancel()
            self._hole = None

    def _wait_until(self, when_s: float) -> None:
        if self._hole is None:
            self._hole = self._clock.at(when_s, self._hole_is_old)

    def _hole_is_old(self) -> None:
        self._hole = None
        self._release(self._clock.s())

    def _play(self, packet: _Waiting) -> None:
        due = packet.timestamp if self._due is None else _unwrap(packet.timestamp, self._due, 32)
        hole = 0 if self._due is None else due - self._due
        if 0 < hole <= FILL_S * RATE:
            self._fill(hole)
        sound = self._decode(packet.payload)
        if sound is None:
            self.counts.broken += 1
            self._due = due
            self._fill(STEP)
            return
        self._due = due + len(sound)
        if self._broken_off and len(sound) >= FADE_IN:
            sound[:FADE_IN] *= np.linspace(0.0, 1.0, FADE_IN, dtype=np.float32)
        self._broken_off = False
        self._last = sound
        self._give(sound)

    def _fill(self, samples: int) -> None:
        """Make up `samples` of sound, in pieces of 20 ms at most."""
        self.counts.filled += samples
        if self._due is not None:
            self._due += samples
        while samples > 0:
            length = min(samples, STEP)
            piece = np.zeros(length, np.float32) if self._broken_off else faded(self._last, length)
            self._broken_off = True
            samples -= length
            self._give(piece)

    # silence while nothing comes

    def _watch(self, silent_s: float) -> None:
        if self._quiet is not None and silent_s >= self._silent_s and not self._given_s:
            self._silent_s = silent_s  # the timer looks again by itself: re-arming it per packet would cost more
            return
        if self._quiet is not None:
            self._quiet.cancel()
        self._silent_s, self._given_s = silent_s, 0.0
        self._quiet = self._clock.at(self._arrived_s + silent_s, self._look)

    def _look(self) -> None:
        """Nothing may have come for a while: give silence as time passes."""
        now = self._clock.s()
        begins = self._arrived_s + self._silent_s
        if now < begins - EARLY_S:
            self._quiet = self._clock.at(begins, self._look)
        elif now > self._arrived_s + QUIET_END_S:
            self._quiet = None
        else:
            self._given_s = self._given_s or now - STEP / RATE  # what only comes late is not to be torn further apart
            steps = max(1, int((now - self._given_s + EARLY_S) * RATE) // STEP)
            self._given_s += steps * STEP / RATE
            self._quiet = self._clock.at(self._given_s + STEP / RATE, self._look)
            self._fill(steps * STEP)


def faded(last: F32, length: int) -> F32:
    """`length` samples that go on from the end of `last` and fade out; (length,) float32.

    The last 10 ms there and back: no jump at the seams, and hardly a buzz in 20 ms.
    """
    tail = last[-STEP // 2 :]
    going_on: F32 = np.resize(np.concatenate([tail[::-1], tail]), length)
    going_on *= np.linspace(1.0, 0.0, length, dtype=np.float32)
    return going_on


def _unwrap(value: int, near: int, bits: int) -> int:
    """The number closest to `near` whose lowest `bits` bits are `value`."""
    whole = 1 << bits
    return near + (value - near + whole // 2) % whole - whole // 2

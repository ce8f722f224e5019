"""What will leave a pacer soon: for those who prepare what goes with the sound, such as the mouth."""

from __future__ import annotations

import numpy as np

from vaidol.graph.clock import NS
from vaidol.graph.frames import F32, Audio
from vaidol.graph.pacer import RATE, STEP, Pacer, Packet

AHEAD = 6  # packets, 120 ms, that are told at most before they leave; usually some 80 ms wait in the pacer


class Ahead:
    """Tells the pacer's sound packet by packet, each once, at the sample where it will leave; `born` is when that is.

    What was told may turn out otherwise: after a stall or a hold the same sound is told again at its new place, and a
    `final` empty frame says that there is silence from its `pts` on.
    """

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._told = 0  # sample up to which all is told
        self._next = 0  # where the next packet begins, if no stall comes
        self._sounding = False  # sound was told, and its end was not

    def look(self, packet: Packet, now_ns: int) -> list[Audio]:
        """What is new as `packet` leaves at `now_ns`."""
        if packet.pts != self._next or self._told < packet.pts:
            self._told = packet.pts
        cursor = self._next = packet.pts + STEP
        told: list[Audio] = []
        if packet.gen and self._told <= packet.pts:
            told.append(_leaving(packet.samples, packet.gen, packet.pts, now_ns))
        if self._pacer.holding:
            return [*told, *self.stop(cursor if packet.gen else packet.pts)]
        samples, gen, ends = self._pacer.peek(AHEAD * STEP)
        blocks, rest = divmod(len(samples), STEP)
        if ends and rest:
            samples, blocks = np.pad(samples, (0, STEP - rest)), blocks + 1
        for number in range(max(0, (self._told - cursor) // STEP), blocks):
            block = samples[number * STEP : (number + 1) * STEP]
            due_ns = now_ns + (number + 1) * STEP * NS // RATE
            told.append(_leaving(block, gen, cursor + number * STEP, due_ns))
        if told:
            self._told, self._sounding = told[-1].pts + STEP, True
        if ends or (self._told <= cursor and not len(samples)):
            told += self.stop(max(self._told, cursor))
        return told

    def stop(self, pts: int) -> list[Audio]:
        """From sample `pts` on there is silence."""
        self._told = pts
        if not self._sounding:
            return []
        self._sounding = False
        return [Audio(rate=RATE, pts=pts, final=True)]


def _leaving(samples: F32, gen: int, pts: int, at_ns: int) -> Audio:
    return Audio(samples=samples, rate=RATE, pts=pts, gen=gen, born=at_ns)

"""The sound of a room: every 20 ms each listener's own mix of all characters and of everybody else's microphone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.frames import F32
from vaidol.graph.pacer import to_int16
from vaidol.server.groups.limiter import Limiter
from vaidol.server.groups.strand import Strand

Packet = tuple[
    NDArray[np.int16], int
]  # (960,) mono 48 kHz, and the number of its first sample in that session's output


class Place:
    """One member's part in a mix: what they and their character say goes in, what they are to hear comes out.

    hears(samples, pts): a packet for the member's ears, in the place of the one that their character `play`ed; None: a
    member that is heard, and plays by itself.
    others(samples): what is not their own in it, (960,) float32, for whoever looks for its echo.
    """

    def __init__(
        self, mix: Mix, hears: Callable[[NDArray[np.int16], int], None] | None, others: Callable[[F32], None]
    ) -> None:
        self.microphone = Strand()
        self.packet: Packet | None = None  # of this tick
        self.limit = Limiter()
        self.hears = hears
        self.others = others
        self._mix = mix

    def speak(self, samples: F32) -> None:
        """The member's microphone, (n,) float32 48 kHz, as it comes."""
        self.microphone.push(samples)

    def play(self, samples: NDArray[np.int16], pts: int) -> None:
        """Their character's packet of this tick. It is heard by all in this tick, so what is cut is cut for all."""
        self.packet = (samples, pts)
        self._mix.expect()

    def leave(self) -> None:
        """Nothing more is heard of the member here, nor by them."""
        self._mix.places.pop(self, None)


class Mix:
    """All places of a room. The packets of one tick come one after the other from as many sessions; the mix is made
    when the tick is over, before anything else happens: it adds no delay to what characters say."""

    def __init__(self) -> None:
        self.places: dict[Place, None] = {}
        self._expected = False

    def place(
        self, hears: Callable[[NDArray[np.int16], int], None] | None, others: Callable[[F32], None] = lambda _: None
    ) -> Place:
        place = Place(self, hears, others)
        self.places[place] = None
        return place

    def expect(self) -> None:
        """A tick is under way."""
        if not self._expected:
            self._expected = True
            asyncio.get_running_loop().call_soon(self._make)

    def _make(self) -> None:
        self._expected = False
        places = tuple(self.places)
        people = {place: sound for place in places if (sound := place.microphone.pull()) is not None}
        characters = {
            place: place.packet[0] * np.float32(1 / 32768)
            for place in places
            if place.packet is not None and place.packet[0].any()
        }
        whole = _sum([*people.values(), *characters.values()])
        for place in places:
            packet, place.packet = place.packet, None
            if packet is None or place.hears is None:
                continue
            samples, pts = packet
            others = len(people) - (place in people) + len(characters) - (place in characters)
            if whole is None or (not others and place.limit.rests):
                place.hears(samples, pts)
                continue
            heard = whole - people[place] if place in people else whole
            place.hears(to_int16(place.limit(heard)), pts)
            if others:
                place.others(heard - characters[place] if place in characters else heard)


def _sum(sounds: list[F32]) -> F32 | None:
    if not sounds:
        return None
    whole = sounds[0].copy()
    for sound in sounds[1:]:
        whole += sound
    return whole

"""The avatar's commands in time with the sound, for puppets outside the page: what it looks like at this moment."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from vaidol.graph.clock import NS
from vaidol.graph.frames import Cue, Mouth
from vaidol.nodes.expression._holds import Holds

RATE = 48_000  # Hz, of the output that `pts` counts
COMMANDS_KEPT = 4096  # 80 s of mouth; a cut forgets them anyway
FADE_S = 0.25  # from one face to the next
DRIFT = 1e-4  # s/s: how fast the estimate of the output's clock may become later; real ones drift by less


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen now. open: 0..1; form: -1 (round) .. 1 (spread); shapes: weights of A I U E O, where they are known;
    faces: weight of each expression that is not neutral, 0..1; motions: names begun since the last look; held: values
    of parameters and of the gaze (see `Holds`)."""

    open: float = 0.0
    form: float = 0.0
    shapes: tuple[float, ...] = ()
    faces: dict[str, float] = field(default_factory=dict)
    motions: tuple[str, ...] = ()
    held: dict[str, float] = field(default_factory=dict)

    def vowels(self) -> dict[str, float]:
        """Weights of A I U E O for models that shape the mouth by vowels, 0..1; guessed from the form if need be."""
        if self.shapes:
            return dict(zip("AIUEO", self.shapes, strict=True))
        spread, rounded = max(0.0, self.form), max(0.0, -self.form)
        parts = {
            "A": 1.0 - abs(self.form),
            "I": 0.6 * spread,
            "U": 0.4 * rounded,
            "E": 0.4 * spread,
            "O": 0.6 * rounded,
        }
        return {name: self.open * part for name, part in parts.items()}


SHUT: tuple[float, float, tuple[float, ...]] = (0.0, 0.0, ())


class Stage:
    """Takes frames as they come, with the media time they belong to, and tells what is due.

    Output sample 0 is heard `delay_s` after it left; when it left is learned from the frames themselves, which say when
    their sound leaves, or else never come before it.
    """

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._origin_s: float | None = None  # when output sample 0 left
        self._learned_s = 0.0
        self._waiting: list[tuple[int, int, Mouth | Cue]] = []
        self._number = 0
        self._mouth: tuple[float, float, tuple[float, ...]] = SHUT
        self._face, self._weight, self._until_s = "neutral", 0.0, math.inf
        self._faces: dict[str, float] = {}
        self._holds = Holds()
        self._looked_s: float | None = None

    def take(self, frame: Mouth | Cue, now_s: float) -> None:
        """A frame came at `now_s`."""
        left = frame.pts + (frame.step * len(frame.open) if isinstance(frame, Mouth) else 0)
        candidate = (frame.born / NS - frame.pts / RATE) if frame.born else now_s - left / RATE
        if isinstance(frame, Mouth) and any(frame.open):  # a cue, or a mouth that shuts, may be meant for later
            known = self._origin_s
            late = None if known is None else known + DRIFT * (now_s - self._learned_s)
            self._origin_s = candidate if late is None else min(late, candidate)
            self._learned_s = now_s
        if self._origin_s is None:
            self._origin_s = now_s - frame.pts / RATE
        if len(self._waiting) < COMMANDS_KEPT:
            self._number += 1
            heapq.heappush(self._waiting, (frame.pts, self._number, frame))

    def cut(self) -> None:
        """The reply died: the mouth shuts now, and what was to come is forgotten."""
        self._waiting.clear()
        self._mouth = SHUT

    def look(self, now_s: float) -> Look:
        """What is seen at `now_s`; `now_s` never goes back."""
        motions = []
        newest = 0  # of the mouth tracks: a later one replaces what an earlier one said
        for number, frame, at_s in self._due(now_s):
            if isinstance(frame, Mouth):
                if frame.open and number > newest:
                    newest = number
                    self._mouth = _value(frame, int((now_s - at_s) * RATE / frame.step))
            elif frame.kind == "motion":
                motions.append(frame.name)
            elif frame.kind != "expression":
                self._holds.take(frame, max(at_s, self._looked_s or 0.0))
            else:
                self._face, self._weight = frame.name, frame.weight
                self._until_s = max(at_s, self._looked_s or 0.0) + frame.hold_ms / 1000 if frame.hold_ms else math.inf
        if now_s >= self._until_s:
            self._face, self._until_s = "neutral", math.inf
        step = 1.0 if self._looked_s is None else (now_s - self._looked_s) / FADE_S
        self._looked_s = now_s
        self._fade(step)
        return Look(*self._mouth, dict(self._faces), tuple(motions), self._holds.values(now_s))

    def _due(self, now_s: float) -> Iterator[tuple[int, Mouth | Cue, float]]:
        """Commands whose sound is heard by now; a mouth track that goes on stays, for its later values."""
        going_on: list[tuple[int, int, Mouth | Cue]] = []
        base = (self._origin_s or 0.0) + self._delay_s
        while self._waiting and base + self._waiting[0][0] / RATE <= now_s:
            entry = heapq.heappop(self._waiting)
            frame, at_s = entry[2], base + entry[0] / RATE
            yield entry[1], frame, at_s
            if isinstance(frame, Mouth) and at_s + (len(frame.open) - 1) * frame.step / RATE > now_s:
                going_on.append(entry)
        for entry in going_on:
            heapq.heappush(self._waiting, entry)

    def _fade(self, step: float) -> None:
        for name in {*self._faces, self._face} - {"neutral"}:
            goal = self._weight if name == self._face else 0.0
            now = self._faces.get(name, 0.0)
            now += max(-step, min(step, goal - now))
            if now or goal:
                self._faces[name] = now
            else:
                self._faces.pop(name, None)


def _value(track: Mouth, number: int) -> tuple[float, float, tuple[float, ...]]:
    """Opening, form and vowels of the track's value `number`, or of its last."""
    number = min(number, len(track.open) - 1)
    return track.open[number], track.form[number], track.vowels[number] if track.vowels else ()

"""The avatar's commands in time with the sound, for puppets outside the page: what it looks like at this moment."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from vaidol.graph.frames import Cue, Mouth

RATE = 48_000  # Hz, of the output that `pts` counts
COMMANDS_KEPT = 4096  # 80 s of mouth; a cut forgets them anyway
FADE_S = 0.25  # from one face to the next
DRIFT = 1e-4  # s/s: how fast the estimate of the output's clock may become later; real ones drift by less


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen now. open: 0..1; form: -1 (round) .. 1 (spread); faces: weight of each expression that is not
    neutral, 0..1; motions: names begun since the last look."""

    open: float = 0.0
    form: float = 0.0
    faces: dict[str, float] = field(default_factory=dict)
    motions: tuple[str, ...] = ()

    def vowels(self) -> dict[str, float]:
        """Weights of A I U E O for models that shape the mouth by vowels, 0..1; from opening and form, so rough."""
        spread, rounded = max(0.0, self.form), max(0.0, -self.form)
        parts = {
            "A": 1.0 - abs(self.form),
            "I": 0.6 * spread,
            "E": 0.4 * spread,
            "O": 0.6 * rounded,
            "U": 0.4 * rounded,
        }
        return {name: self.open * part for name, part in parts.items()}


class Stage:
    """Takes frames as they come, with the media time they belong to, and tells what is due.

    Output sample 0 is heard `delay_s` after it left; when it left is learned from the frames themselves, which never
    come before their sound.
    """

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._origin_s: float | None = None  # when output sample 0 left
        self._learned_s = 0.0
        self._waiting: list[tuple[int, int, Mouth | Cue]] = []
        self._number = 0
        self._open = self._form = 0.0
        self._face, self._weight = "neutral", 0.0
        self._faces: dict[str, float] = {}
        self._looked_s: float | None = None

    def take(self, frame: Mouth | Cue, now_s: float) -> None:
        """A frame came at `now_s`."""
        left = frame.pts + (frame.step * len(frame.open) if isinstance(frame, Mouth) else 0)
        candidate = now_s - left / RATE
        if isinstance(frame, Mouth):  # a cue may be meant for later
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
        self._open = self._form = 0.0

    def look(self, now_s: float) -> Look:
        """What is seen at `now_s`; `now_s` never goes back."""
        motions = []
        for frame, at_s in self._due(now_s):
            if isinstance(frame, Cue) and frame.kind == "motion":
                motions.append(frame.name)
            elif isinstance(frame, Cue):
                if frame.kind != "expression":
                    continue
                self._face, self._weight = frame.name, frame.weight
            elif frame.open:
                value = min(int((now_s - at_s) * RATE / frame.step), len(frame.open) - 1)
                self._open, self._form = frame.open[value], frame.form[value]
        step = 1.0 if self._looked_s is None else (now_s - self._looked_s) / FADE_S
        self._looked_s = now_s
        self._fade(step)
        return Look(self._open, self._form, dict(self._faces), tuple(motions))

    def _due(self, now_s: float) -> Iterator[tuple[Mouth | Cue, float]]:
        """Commands whose sound is heard by now; a mouth track that goes on stays, for its later values."""
        going_on: list[tuple[int, int, Mouth | Cue]] = []
        base = (self._origin_s or 0.0) + self._delay_s
        while self._waiting and base + self._waiting[0][0] / RATE <= now_s:
            entry = heapq.heappop(self._waiting)
            frame, at_s = entry[2], base + entry[0] / RATE
            yield frame, at_s
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

"""Parameters and looks that are held for a time, for puppets outside the page: where each is at a moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vaidol.graph.frames import Cue

GAZE_X, GAZE_Y = "gaze x", "gaze y"
MOST = 256


@dataclass(slots=True)
class _Hold:
    begin: float
    goal: float
    at_s: float
    fade_s: float
    until_s: float

    def value(self, now_s: float) -> float:
        """On its way to the goal, there, or on its way back to 0."""
        if now_s < self.until_s:
            return self.begin + (self.goal - self.begin) * _share(now_s - self.at_s, self.fade_s)
        return self.goal * (1.0 - _share(now_s - self.until_s, self.fade_s))


class Holds:
    """`take` commands of the kinds param and gaze; `values`: what is held, by parameter, GAZE_X and GAZE_Y."""

    def __init__(self) -> None:
        self._holds: dict[str, _Hold] = {}

    def take(self, cue: Cue, at_s: float) -> None:
        if cue.kind == "param":
            self._hold(cue, cue.name, cue.value * cue.weight, at_s)
        elif cue.kind == "gaze":
            self._hold(cue, GAZE_X, cue.x or 0.0, at_s)
            self._hold(cue, GAZE_Y, cue.y or 0.0, at_s)

    def values(self, now_s: float) -> dict[str, float]:
        """Without what has gone back to 0."""
        found = {name: hold.value(now_s) for name, hold in self._holds.items()}
        for name, hold in tuple(self._holds.items()):
            if found[name] == 0.0 and (
                now_s >= hold.until_s or (hold.goal == 0.0 and now_s >= hold.at_s + hold.fade_s)
            ):
                del self._holds[name]
        return {name: value for name, value in found.items() if value}

    def _hold(self, cue: Cue, name: str, goal: float, at_s: float) -> None:
        before = self._holds.get(name)
        if before is None and len(self._holds) >= MOST:
            return
        begin = 0.0 if before is None else before.value(at_s)
        until_s = at_s + cue.hold_ms / 1000 if cue.hold_ms else math.inf
        self._holds[name] = _Hold(begin, goal, at_s, cue.fade_ms / 1000, until_s)


def _share(passed_s: float, of_s: float) -> float:
    return 1.0 if of_s <= 0 else min(1.0, max(0.0, passed_s / of_s))

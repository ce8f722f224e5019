"""When to ask the recognizer for words while the user still speaks: never twice at a time, seldom on a busy machine."""

from __future__ import annotations

SHARE = 4.0  # a question that took t is followed by the next one after SHARE * t at the earliest
BUSY_S = 0.8  # a machine that needs longer has better things to do
REST_S = 10.0  # until it is asked again then
LOST_S = 3.0  # no answer comes after this


class Partials:
    """`due` says when to ask; tell it what was `asked` and `answered`. All times in s."""

    def __init__(self, every_s: float) -> None:
        self.come = False  # answers do come in this session
        self._every_s = every_s
        self._next_s: float | None = None
        self._asked_s: float | None = None

    def due(self, now_s: float) -> bool:
        if not self._every_s:
            return False
        if self._asked_s is not None:
            if now_s - self._asked_s > LOST_S:
                self._asked_s, self._next_s = None, now_s + REST_S
            return False
        return self._next_s is None or now_s >= self._next_s

    def asked(self, now_s: float) -> None:
        self._asked_s = now_s

    def answered(self, now_s: float) -> None:
        self.come = True
        took_s = 0.0 if self._asked_s is None else now_s - self._asked_s
        rest_s = REST_S if took_s > BUSY_S else max(self._every_s - took_s, SHARE * took_s)
        self._asked_s, self._next_s = None, now_s + rest_s

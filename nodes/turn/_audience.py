"""Which message of an audience is answered next: it writes more than one voice can say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from vaidol.graph.frames import Transcript

MOST = 200  # messages that wait; the least wanted is forgotten

Pick = Literal["best", "newest", "oldest", "random"]


@dataclass(frozen=True, slots=True)
class _Waiting:
    came_s: float
    number: int
    message: Transcript


class Audience:
    """`add` what is written, `take` what to answer. Times in s. `count` is told why one is never answered."""

    def __init__(self, pick: Pick, patience_s: float, random: Random, count: Callable[[str, int], None]) -> None:
        self._pick = pick
        self._tell = count
        self._patience_s = patience_s
        self._random = random
        self._waiting: list[_Waiting] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, message: Transcript, now_s: float) -> None:
        """One without a text takes an earlier one back."""
        if not message.text:
            self._keep([one for one in self._waiting if one.message.ref != message.ref], "chat_taken_back")
            return
        self._count += 1
        self._waiting.append(_Waiting(now_s, self._count, message))
        if len(self._waiting) > MOST:
            self._waiting.remove(min(self._waiting, key=lambda one: (one.message.rank, one.number)))
            self._tell("chat_crowded_out", 1)

    def forget(self, now_s: float) -> None:
        """What has waited for too long would only puzzle people; what was paid for is answered all the same."""
        patience_s = self._patience_s
        wanted = [one for one in self._waiting if one.came_s + patience_s * (1 + 9 * (one.message.rank >= 3)) > now_s]
        self._keep(wanted, "chat_waited_too_long")

    def clear(self) -> None:
        self._keep([], "chat_switched_off")

    def take(self) -> Transcript:
        """The message to answer. Raises `ValueError` when none waits."""
        if self._pick == "random" and self._waiting:
            best = self._random.choice(self._waiting)
        else:
            best = max(self._waiting, key=self._want)
        self._waiting.remove(best)
        return best.message

    def _keep(self, wanted: list[_Waiting], why_not: str) -> None:
        if len(wanted) < len(self._waiting):
            self._tell(why_not, len(self._waiting) - len(wanted))
        self._waiting = wanted

    def _want(self, one: _Waiting) -> tuple[int, int]:
        rank = one.message.rank if self._pick == "best" else 0
        return rank, -one.number if self._pick == "oldest" else one.number

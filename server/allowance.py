"""A token bucket: how much somebody may do at once and per second; and one for each network address."""

from __future__ import annotations

from collections import OrderedDict

from vaidol.graph.clock import Clock


class Allowance:
    """`at_once` deeds in a row, refilled with `per_s` a second."""

    def __init__(self, clock: Clock, per_s: float, at_once: float) -> None:
        self._clock = clock
        self._per_s = per_s
        self._at_once = at_once
        self._left = at_once
        self._since = clock.s()
        self.refused = 0  # in a row

    @property
    def first_refused(self) -> bool:
        """Whether the deed refused last was the first one in a row."""
        return self.refused == 1

    @property
    def spent(self) -> bool:
        """Whether no deed is allowed now."""
        now = self._clock.s()
        self._left = min(self._at_once, self._left + (now - self._since) * self._per_s)
        self._since = now
        return self._left < 1

    def take(self) -> bool:
        """Whether one more deed is allowed now."""
        if self.spent:
            self.refused += 1
            return False
        self._left -= 1
        self.refused = 0
        return True


class Addresses:
    """An allowance for each network address; the `keep` addresses seen last are remembered."""

    def __init__(self, clock: Clock, per_s: float, at_once: float, *, keep: int = 1024) -> None:
        self._clock = clock
        self._per_s = per_s
        self._at_once = at_once
        self._keep = keep
        self._known: OrderedDict[str, Allowance] = OrderedDict()

    def spent(self, address: str) -> bool:
        """Whether no deed is allowed to `address` now."""
        return address in self._known and self._known[address].spent

    def take(self, address: str) -> bool:
        """Whether one more deed is allowed to `address` now."""
        if address not in self._known:
            self._known[address] = Allowance(self._clock, self._per_s, self._at_once)
            if len(self._known) > self._keep:
                self._known.popitem(last=False)
        self._known.move_to_end(address)
        return self._known[address].take()

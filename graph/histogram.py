"""Times counted by powers of two of a microsecond: a bounded meter that costs one addition."""

from __future__ import annotations

from collections.abc import Sequence

BUCKETS = 32  # of 1 us, 2 us, 4 us ... 36 min and more


def bucket(seconds: float) -> int:
    """Which counter a time belongs to."""
    return min(int(max(seconds, 0.0) * 1e6).bit_length(), BUCKETS - 1)


def quantile_us(counts: Sequence[int], share: float, *, at_once: int = 0) -> float:
    """Upper bound of the `share` quantile (0.5, 0.99), us; `at_once`: so many more took no time. 0 when nothing did."""
    needed, seen = share * (sum(counts) + at_once), at_once
    if seen >= needed:
        return 0.0
    for number, count in enumerate(counts):
        seen += count
        if seen >= needed:
            return float(1 << number)
    return 0.0

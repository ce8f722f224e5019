"""Which audio frames belong together, so that an adapter's memory never joins what must stay apart."""

from __future__ import annotations

from vaidol.graph.frames import Audio

GAP_MS = 1  # a frame that begins later than this after the one before does not go on from it


def goes_on(before: Audio, frame: Audio, position: int) -> bool:
    """Whether `frame` continues the stream of `before`, whose next sample is number `position` at its rate.

    Frames without numbers (`pts` left at 0, or behind `position`) go on.
    """
    return (
        frame.gen == before.gen
        and frame.of is before.of
        and frame.rate == before.rate
        and frame.samples.dtype == before.samples.dtype
        and frame.pts <= position + frame.rate * GAP_MS // 1000
    )

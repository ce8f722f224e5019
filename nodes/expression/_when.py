"""When a word of a sentence is heard, in samples of the output."""

from __future__ import annotations

from vaidol.graph.frames import Mark
from vaidol.graph.heard import PER_S, due_ms

RATE = 48_000  # Hz, of the output that `pts` counts


def due(mark: Mark, offset: int) -> int:
    """The sample at which character `offset` of the sentence that starts at `mark` is heard: by the voice's own times
    where it told them, else by the pace at which people speak."""
    told = due_ms(mark.sentence, mark.words, offset) if mark.sentence is not None and mark.words else None
    seconds = offset / PER_S if told is None else told / 1000
    return mark.pts + int(seconds * RATE)

"""Sound of text that was spoken before: one synthesis for equal text, voice and settings, in bounded memory."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from pydantic import Field

from vaidol.graph.frames import F32, Word
from vaidol.graph.node import Need, Settings

Spoken = AsyncGenerator[F32 | Word, None]
Key = tuple[str, str, str]  # class of the voice, its settings, the text
ENTRY = 1 / 4  # of the whole that one text may take
WORD_BYTES = 200


class SpeakerSettings(Settings):
    """What all voices have in common."""

    cache_mb: float = Field(16.0, ge=0, le=100_000)
    """Sound kept for sentences that are spoken again, MB; one cache for all sessions of the process; 0 = none."""
    pronounce: dict[str, str] = Field(default_factory=dict, max_length=2000)
    """Words or phrases, and how to write them so that the voice says them right: {vaidol: "vy doll"}."""


class SpeechCache:
    """The sound of recent texts, the one unused for longest thrown away first; never more than `limit` bytes."""

    def __init__(self, limit: float) -> None:
        self.limit = int(limit)
        self.size = 0  # bytes
        self._kept: OrderedDict[Key, tuple[tuple[F32 | Word, ...], int]] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    async def through(self, key: Key, make: Callable[[], AsyncGenerator[F32 | Word, None]]) -> Spoken:
        """What is kept for `key`, else what `make` makes, which is kept when it came to its end."""
        if key in self._kept:
            self._kept.move_to_end(key)
            for piece in self._kept[key][0]:
                yield piece
            return
        made, size = list[F32 | Word](), 0
        async with aclosing(make()) as pieces:
            async for piece in pieces:
                size += WORD_BYTES + (0 if isinstance(piece, Word) else piece.nbytes)
                if size <= self.limit * ENTRY:
                    made.append(piece)
                yield piece
        if made and size <= self.limit * ENTRY and key not in self._kept:
            self._keep(key, tuple(made), size)

    def _keep(self, key: Key, made: tuple[F32 | Word, ...], size: int) -> None:
        self._kept[key] = (made, size)
        self.size += size
        while self.size > self.limit:
            self.size -= self._kept.popitem(last=False)[1][1]


def cache_needs(settings: Settings) -> tuple[Need, ...]:
    """Shared by all voices of an engine that ask for as much; for `Node.needs`."""
    if not isinstance(settings, SpeakerSettings) or not settings.cache_mb:
        return ()
    limit = settings.cache_mb * 2**20
    return (Need(f"speech cache {limit:.0f}", "speech cache", lambda progress: SpeechCache(limit)),)


class Pronunciation:
    """Replaces whole words, whatever their case; the longest phrase first."""

    def __init__(self, words: dict[str, str]) -> None:
        self._words = {word.casefold(): said for word, said in words.items() if word.strip()}
        longest = sorted(map(re.escape, self._words), key=len, reverse=True)
        self._any = re.compile(rf"(?<!\w)(?:{'|'.join(longest)})(?!\w)", re.IGNORECASE) if longest else None

    def __call__(self, text: str) -> str:
        if self._any is None:
            return text
        return self._any.sub(lambda found: self._words.get(found[0].casefold(), found[0]), text)

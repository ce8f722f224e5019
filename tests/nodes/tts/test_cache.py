"""The cache of speech: never more bytes than its limit, nothing twice, nothing half."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.graph.frames import F32, Word
from vaidol.nodes.tts._cache import ENTRY, Key, SpeechCache

LIMIT = 40_000  # bytes
Make = Callable[[], AsyncGenerator[F32 | Word, None]]


def sound(samples: int, made: list[str], text: str) -> Make:
    async def make() -> AsyncGenerator[F32 | Word, None]:
        made.append(text)
        yield Word(text, 0, 1)
        for piece in np.array_split(np.zeros(samples, np.float32), 3):
            yield piece

    return make


async def length(cache: SpeechCache, key: Key, make: Make) -> int:
    """Samples that come of it."""
    return sum([len(piece) async for piece in cache.through(key, make) if not isinstance(piece, Word)])


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["slow", "fast"]), st.integers(1, 3000))))
def test_it_never_holds_more_than_its_limit(asks: list[tuple[str, str, int]]) -> None:
    async def main() -> None:
        cache, made = SpeechCache(LIMIT), list[str]()
        sizes: dict[tuple[str, str, str], int] = {}
        for text, settings, wanted in asks:
            key = ("voice", settings, text)
            known, before = key in cache, len(made)
            samples = sizes[key] if known else wanted
            assert await length(cache, key, sound(samples, made, text)) == samples
            assert len(made) == before + (not known)
            sizes[key] = samples
            assert cache.size <= LIMIT
            assert (key in cache) is (known or 4 * 200 + 4 * samples <= LIMIT * ENTRY)

    asyncio.run(main())


def test_the_one_unused_for_longest_goes_first_and_half_a_sentence_is_not_kept() -> None:
    async def main() -> None:
        cache, made = SpeechCache(LIMIT), list[str]()
        for text in ("a", "b", "c", "d", "a", "e"):
            await length(cache, ("v", "", text), sound(2000, made, text))
        assert [text for text in "abcde" if ("v", "", text) in cache] == ["a", "c", "d", "e"]
        async with aclosing(cache.through(("v", "", "f"), sound(2000, made, "f"))) as pieces:
            async for piece in pieces:
                if not isinstance(piece, Word):
                    break
        assert ("v", "", "f") not in cache

        async def die() -> AsyncGenerator[F32 | Word, None]:
            yield np.zeros(9, np.float32)
            raise RuntimeError

        with pytest.raises(RuntimeError):
            await length(cache, ("v", "", "g"), die)
        assert ("v", "", "g") not in cache

    asyncio.run(main())

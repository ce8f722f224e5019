"""The name of who is answered, put before an answer in which the model does not say it soon."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

SOON = 48  # characters within which the model may say it by itself
NO_TAGS = str.maketrans("", "", "[]")  # people choose their names, and the avatar does what is in brackets


async def addressed(pieces: AsyncGenerator[str, None], name: str) -> AsyncGenerator[str, None]:
    """The reply in `pieces`, to somebody called `name`; its beginning waits until that is known."""
    name = name.translate(NO_TAGS)
    begin, known = "", not name
    async with aclosing(pieces):
        async for piece in pieces:
            if known:
                yield piece
                continue
            begin += piece
            if known := len(begin) >= SOON or name.casefold() in begin.casefold():
                yield _named(begin, name)
    if begin and not known:
        yield _named(begin, name)


def _named(begin: str, name: str) -> str:
    return begin if name.casefold() in begin.casefold() else f"{name}, {begin.lstrip()}"

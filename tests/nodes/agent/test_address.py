"""Who is answered hears the own name, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.nodes.agent._address import SOON, addressed


def heard(pieces: list[str], name: str) -> list[str]:
    async def stream() -> AsyncGenerator[str, None]:
        for piece in pieces:
            yield piece

    async def main() -> list[str]:
        return [piece async for piece in addressed(stream(), name)]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("pieces", "name", "whole"),
    [
        (["[joy] I", " like", " it."], "Ann", "Ann, [joy] I like it."),
        (["Oh,", " hi ANN", ", yes."], "Ann", "Oh, hi ANN, yes."),
        (["x" * SOON, " Ann"], "Ann", "Ann, " + "x" * SOON + " Ann"),
        (["Yes."], "[protected]", "protected, Yes."),
        (["Yes."], "", "Yes."),
        ([], "Ann", ""),
    ],
)
def test_a_reply_begins_with_the_name_that_it_does_not_say(pieces: list[str], name: str, whole: str) -> None:
    assert "".join(heard(pieces, name)) == whole


@given(st.lists(st.text(max_size=30), max_size=20), st.text(max_size=10))
def test_nothing_of_a_reply_is_lost_or_said_twice(pieces: list[str], name: str) -> None:
    whole = "".join(pieces)
    assert "".join(heard(pieces, name)).endswith(whole.lstrip())

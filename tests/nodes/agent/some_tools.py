"""Tools as a user may write them: good ones, and ones that misbehave in every way."""

from __future__ import annotations

import asyncio
import threading
from typing import Literal

released = threading.Event()  # ends `hang`
called: list[str] = []


def roll(sides: int, *, color: Literal["red", "green"] = "red") -> int:
    """Roll a die with so many sides."""
    called.append(f"roll {sides} {color}")
    return sides


async def look_up(city: str) -> dict[str, object]:
    """The weather in a city."""
    await asyncio.sleep(0)
    return {"city": city, "sky": "blue"}


def fail(why: str) -> str:
    """Always fails."""
    raise ZeroDivisionError(why)


def hang() -> str:
    """Does not come back."""
    released.wait(10)
    return "late"


async def hang_softly() -> str:
    """Does not come back, and holds no thread."""
    await asyncio.Event().wait()
    return "never"


def flood() -> str:
    """A megabyte."""
    return "x" * 1_000_000


NOT_A_FUNCTION = 1


def strange(what: NoSuchType) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Arguments that nobody understands."""

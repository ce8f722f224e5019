"""Where a node can work, as a pipeline file says it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

PLACES = ("inline", "thread", "process")
REMOTE = re.compile(r"^remote\((?P<address>[^\s()]+:\d{1,5})\)$")


def _place(value: str) -> str:
    if value not in PLACES and not REMOTE.match(value):
        known = ", ".join(map(repr, PLACES))
        raise PydanticCustomError(
            "place", "input should be {known} or remote(HOST:PORT)", {"expected": known, "known": known}
        )
    return value


_ELSEWHERE = {"type": "string", "pattern": REMOTE.pattern.replace("?P<address>", "")}
Where = Annotated[str, AfterValidator(_place), WithJsonSchema({"anyOf": [{"enum": list(PLACES)}, _ELSEWHERE]})]

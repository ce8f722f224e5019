"""Who wants to be told of something, until they no longer do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVarTuple

Args = TypeVarTuple("Args")


class Listeners(Generic[*Args]):
    """Callables that take the same arguments; told in the order they came."""

    def __init__(self) -> None:
        self._takes: dict[object, Callable[[*Args], None]] = {}

    def add(self, take: Callable[[*Args], None]) -> Callable[[], None]:
        """`take` is told from now on, until the returned function is called; calling that again does nothing."""
        token = object()
        self._takes[token] = take

        def remove() -> None:
            self._takes.pop(token, None)

        return remove

    def __len__(self) -> int:
        return len(self._takes)

    def tell(self, *args: *Args) -> None:
        for token, take in tuple(self._takes.items()):
            if token in self._takes:  # one that was removed meanwhile is not told any more
                take(*args)

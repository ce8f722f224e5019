"""The families of errors: a user's mistake in a file, a provider that failed, and nothing else (the rest is a bug)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Place:
    """Where in a file: 1-based line and column; 0 = the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake of a pipeline file, in one sentence that names the way out."""

    place: Place
    message: str

    def __post_init__(self) -> None:  # it may quote anything that can stand in a file
        shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in self.message)
        object.__setattr__(self, "message", shown)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class PipelineError(Exception):
    """A pipeline cannot be built; `problems` holds every mistake found, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


class ProviderError(Exception):
    """An outside library, model or server failed; the message is shown to the person talking.

    `retryable`: the same call may work if made again. `code`: a short stable word for clients.
    """

    def __init__(self, message: str, *, retryable: bool = False, code: str = "provider") -> None:
        super().__init__(message)
        self.retryable = retryable
        self.code = code


class Overrun(Exception):
    """An edge that may lose nothing passed its hard limit: the session ends rather than grow without bound."""

"""Showing how far loads are: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from tqdm import tqdm


class Bars:
    """One bar per thing that loads, by name; `show` may be called again and again with what is known."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._bars: dict[str, Any] = {}
        self._said: dict[str, str] = {}

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bar in self._bars.values():
            bar.close()

    def show(self, name: str, share: float, step: str = "") -> None:
        """`share` in [0, 1]."""
        if self._terminal:
            self._bar(name, share, step)
        elif name not in self._said:
            self._say(name, "...")

    def end(self, name: str, said: str = "ready") -> None:
        """It is over, well or badly."""
        if self._terminal:
            bar = self._bar(name, 1.0 if said == "ready" else 0.0, said)
            bar.refresh()
        self._say(name, said)

    def _bar(self, name: str, share: float, step: str) -> Any:
        if name not in self._bars:
            layout = "{desc:<44.44} {percentage:3.0f} % |{bar:24}| {postfix}"
            self._bars[name] = tqdm(total=1.0, desc=name, bar_format=layout, file=sys.stderr)
        bar = self._bars[name]
        bar.n = share
        bar.set_postfix_str(step)
        return bar

    def _say(self, name: str, what: str) -> None:
        if self._said.get(name) != what:
            self._said[name] = what
            if not self._terminal:
                print(f"{name}: {what}", file=sys.stderr, flush=True)

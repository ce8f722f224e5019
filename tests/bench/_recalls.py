"""The memory of earlier talks: does the recall find what is asked for in other words, by words, by meaning, by both?"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from vaidol.nodes.agent._history import History, Line
from vaidol.nodes.agent._meaning import Meaning
from vaidol.tests.bench._remembered import ASKED, LINES, PLAINLY, SMALL_TALK

USER, PERSONA = "bench-bench-bench", "vai"
MOST = 5


def recalls(quick: bool) -> dict[str, Any]:
    """recall@1 and @5, what is recalled for small talk, and times, with words, with meaning and with both."""
    meaning = Meaning()
    meaning.load()
    if meaning.wrong:
        raise SystemExit(meaning.wrong)
    some = 10 if quick else None
    sets = {"in other words": dict(list(ASKED.items())[:some]), "by name": dict(list(PLAINLY.items())[:some])}
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "history.sqlite3", meaning)
        for n, text in enumerate(LINES, 1):
            history.write([Line("c", USER, PERSONA, n, "user", text)])
        began = time.perf_counter()
        new = history.memos.meaningless(USER, PERSONA, 1000)
        history.memos.mean([(memo, text, meaning.vector(text)) for memo, text in new])
        figures: dict[str, Any] = {"lines": len(LINES), **{f"questions {name}": len(of) for name, of in sets.items()}}
        figures["to learn a line, ms"] = 1e3 * (time.perf_counter() - began) / len(new)
        for way in ("words", "meaning", "both"):
            figures[way] = _measured(history, way, sets)
        history.close()
    return figures


def _measured(history: History, way: str, sets: dict[str, dict[str, str]]) -> dict[str, float]:
    took: list[float] = []
    network = history.meaning
    assert network is not None

    def look(said: str) -> list[str]:
        began = time.perf_counter()
        vector = network.vector(said) if way != "words" else b""
        found = history.memos.recall(USER, PERSONA, said, MOST, vector=vector, words=way != "meaning")
        took.append(1e3 * (time.perf_counter() - began))
        return [one.text for one in found]

    figures = {}
    for name, asked in sets.items():
        found = {question: look(question) for question in asked}
        for most in (1, MOST):
            figures[f"recall@{most} {name}"] = sum(asked[q] in has[:most] for q, has in found.items()) / len(asked)
    figures["lines for small talk"] = statistics.mean(len(look(said)) for said in SMALL_TALK)
    return {**figures, "ms": statistics.median(took), "ms, slowest": max(took)}

"""Measuring side by side: rounds of A B A B in one process, processor time, medians."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import statistics
import time
from collections.abc import Awaitable, Callable

Round = Callable[[], Awaitable[float]]  # one round; returns the figure


async def interleaved(rounds: int, subjects: dict[str, Round]) -> dict[str, float]:
    """The median figure of each subject over `rounds` rounds, one of each in turn; the first round only warms up."""
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        for name, subject in subjects.items():
            gc.collect()
            figure = await subject()
            if number:
                found[name].append(figure)
    return {name: statistics.median(figures) for name, figures in found.items()}


def cpu_s() -> float:
    """Processor time of this process, user and system, s."""
    return time.process_time()


def has_pipecat() -> bool:
    return importlib.util.find_spec("pipecat") is not None and importlib.util.find_spec("loguru") is not None


async def breathe() -> None:
    """Let everything that is due happen."""
    for _ in range(5):
        await asyncio.sleep(0)

"""Where the time between a question and its answer goes, beyond the chosen silence: one number for each part."""

from __future__ import annotations

import asyncio
import statistics
from collections import deque

import numpy as np

from vaidol.graph.frames import F32
from vaidol.server.session import Session
from vaidol.tests.bench._call import LOUD

RATE = 48_000  # Hz


class Ear:
    """Notes when loud sound reaches the graph of `session`."""

    def __init__(self, session: Session) -> None:
        self._loop = asyncio.get_running_loop()
        self._loud: deque[float] = deque(maxlen=2000)
        session.on_audio(self._take)

    def last_loud_s(self, before_s: float) -> float:
        """When the last loud sample before then reached the graph, as if packets took no time to fill."""
        return max((at for at in self._loud if at < before_s), default=before_s)

    def _take(self, samples: F32, rate: int) -> None:
        loud = np.flatnonzero(np.abs(samples) > LOUD)
        if loud.size:
            self._loud.append(self._loop.time() - (len(samples) - 1 - int(loud[-1])) / rate)


def parts(spoken_s: float, ear: Ear, moments: dict[str, int], took_ms: float, silence_ms: int) -> dict[str, float]:
    """Ms of each part of the way from the last loud sample at `spoken_s` to an answer `took_ms` later.

    They add up to `took_ms` without `silence_ms`. microphone: the caller's encoder (which looks 6.5 ms ahead), the
    network, our decoder. vad: by how much the end of speech, as it is told, lies behind the last loud sample. step: the
    end of the turn is seen later than it is. graph: from there to the first sound made. pacer: until its packet leaves.
    back: our encoder, the network, and the caller's socket.
    """
    end, endpoint, made, left = (moments[name] / 1e9 for name in ("speech_end", "endpoint", "tts_first", "first_sound"))
    came = ear.last_loud_s(endpoint)
    found = {
        "microphone": came - spoken_s,
        "vad": end - came,
        "step": endpoint - end - silence_ms / 1000,
        "graph": made - endpoint,
        "pacer": left - made,
        "back": spoken_s + took_ms / 1000 - left,
    }
    return {name: s * 1000 for name, s in found.items()}


def medians(each: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(float(statistics.median(one[name] for one in each)), 1) for name in each[0]}

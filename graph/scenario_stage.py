"""What a scenario and the simulated nodes share: the user's voice, what was said when, and what agents answer."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.frames import F32
from vaidol.graph.scenario import Reply, ScenarioSpec

RATE = 16_000  # Hz, of the user's voice
STEP = 320  # samples of it that are sent at a time, 20 ms
CHARACTER_MS = 65.0  # of speech
LEVEL = 0.1  # of full scale, RMS about -23 dBFS
SILENCE: F32 = np.zeros(STEP, np.float32)
SILENCE.setflags(write=False)


class Stage:
    """The end `scenario` of a graph: simulated nodes ask it for what the script wants of them."""

    def __init__(self, spec: ScenarioSpec) -> None:
        self._replies = spec.replies
        self._speaking: deque[F32] = deque()  # the user's voice that is still to be sent, in frames of 20 ms
        self._spans: list[tuple[int, int, str]] = []  # first sample, sample behind the last one, words
        self._sent = 0  # samples of the microphone
        self.stand_ins: dict[str, str] = {}  # node -> the one that runs in its place now
        self.on_quiet: Callable[[], None] = lambda: None  # the user has stopped speaking

    def speak(self, samples: F32, words: str) -> None:
        """The user speaks `samples` (n,) at 16 kHz from now on, behind what is still being said."""
        begin = self._sent + len(self._speaking) * STEP
        self._spans.append((begin, begin + len(samples), words))
        padded = np.concatenate((samples, np.zeros(-len(samples) % STEP, np.float32))).astype(np.float32)
        padded.setflags(write=False)
        self._speaking.extend(padded.reshape(-1, STEP))

    def microphone(self) -> tuple[int, F32]:
        """The next 20 ms, and the number of its first sample."""
        pts, self._sent = self._sent, self._sent + STEP
        if not self._speaking:
            return pts, SILENCE
        samples = self._speaking.popleft()
        if not self._speaking:
            self.on_quiet()
        return pts, samples

    def words(self, begin: int, end: int) -> str:
        """What was said between two samples of the microphone; of a line said in part, so many of its words."""
        said = []
        for first, last, text in self._spans[max(0, bisect_left(self._spans, (begin,)) - 1) :]:
            if first >= end:
                break
            words = text.split()
            here = [first + (last - first) * (i + 0.5) / len(words) for i in range(len(words))]
            said += [word for word, middle in zip(words, here, strict=True) if begin <= middle < end]
        return " ".join(said)

    def reply(self, node: str, said: str) -> Reply:
        """What the agent `node` answers to what was `said`."""
        text, node = plain(said), self.stand_ins.get(node, node)
        fitting = [r for r in self._replies if r.by in (None, node) and (not r.to or plain(r.to) in text)]
        if not fitting:
            return Reply(text=f"You said: {said}.")
        return max(fitting, key=lambda reply: (text.rfind(plain(reply.to)) if reply.to else -1, reply.by is not None))


def plain(text: str) -> str:
    """Small letters and single spaces only, with a space at both ends: what words are looked for in."""
    return f" {' '.join(''.join(c if c.isalnum() else ' ' for c in text.casefold()).split())} "


def voice(ms: float) -> F32:
    """Something as loud as speech: a buzz of `ms`, at 16 kHz."""
    at = np.arange(round(ms * RATE / 1000)) / RATE
    return (LEVEL * np.sign(np.sin(2 * np.pi * 140 * at))).astype(np.float32)


class Caller:
    """Stands for the person's side of the call (`Call` of nodes/webrtc): keeps what is played and shown.

    `sounding`: (first sample, sample behind the last one) of every stretch of sound, 48 kHz.
    """

    def __init__(self, on_sound: Callable[[bool], None], on_message: Callable[[Mapping[str, Any]], None]) -> None:
        self._on_sound = on_sound
        self._on_message = on_message
        self._take: Callable[[Mapping[str, Any]], None] | None = None
        self.sounding: list[tuple[int, int]] = []
        self.pts = 0  # of the packet played last
        self._sounds = False

    def on_audio(self, take: Callable[[F32, int], None]) -> Callable[[], None]:
        """The microphone is `sim.mic`: nothing comes this way."""
        return lambda: None

    def on_message(self, take: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        self._take = take

        def remove() -> None:
            self._take = None

        return remove

    def on_join(self, take: Callable[[], None]) -> Callable[[], None]:
        """Nobody joins later."""
        return lambda: None

    def type(self, text: str) -> bool:
        """False when the pipeline has no node that takes typed text."""
        if self._take is not None:
            self._take({"t": "text", "text": text})
        return self._take is not None

    def on_others(self, take: Callable[[F32], None]) -> Callable[[], None]:
        """There is nobody else."""
        return lambda: None

    def play(self, samples: NDArray[np.int16], pts: int) -> None:
        self.pts = pts
        sounds = bool(samples.any())
        if sounds:
            loud = np.flatnonzero(samples)
            begin, end = pts + int(loud[0]), pts + int(loud[-1]) + 1
            if self._sounds and self.sounding[-1][1] >= pts:
                begin = self.sounding.pop()[0]
            self.sounding.append((begin, end))
        if sounds != self._sounds:
            self._sounds = sounds
            self._on_sound(sounds)

    def send(self, message: Mapping[str, Any], *, fast: bool = False) -> None:
        self._on_message(message)

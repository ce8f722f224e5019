"""Voice-to-voice of the default pipeline: ten spoken questions in, time until the answer sounds, split by stage."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import load
from vaidol.nodes import registry
from vaidol.pipelines import LIBRARY, find
from vaidol.tests.bench import _speech as speech

QUESTIONS = (
    "What is the capital of France?",
    "How are you feeling today?",
    "Can you tell me a story about a dog?",
    "What do you like to eat for breakfast?",
    "Why is the sky blue?",
    "Do you know a good song?",
    "Where do penguins live?",
    "What is your favourite colour?",
    "Should I learn to play the piano?",
    "Who was the first person on the moon?",
)
STEP = 960  # samples, 20 ms at 48 kHz
LOUD = 0.01  # of full scale
ANSWER_S = 20.0
QUIET_S = 0.5  # what is on its way when a reply is stopped fades before the next question


class _Caller:
    """Plays questions into the graph in real time and notes when the answer sounds."""

    def __init__(self) -> None:
        self.speak: Callable[[NDArray[np.float32], int], None]
        self.message: Callable[[Mapping[str, Any]], None]
        self.first_sound = 0.0
        self.nobody_answers = asyncio.Event()

    def on_audio(self, take: Callable[[NDArray[np.float32], int], None]) -> Callable[[], None]:
        self.speak = take
        return lambda: None

    def on_message(self, take: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        self.message = take
        return lambda: None

    def on_join(self, take: Callable[[], None]) -> Callable[[], None]:
        """Nobody joins late here."""
        return lambda: None

    def on_others(self, take: Callable[[NDArray[np.float32]], None]) -> Callable[[], None]:
        """There is nobody else."""
        return lambda: None

    def play(self, samples: NDArray[np.int16], pts: int) -> None:
        loud = np.flatnonzero(np.abs(samples) > LOUD * 32767)
        if loud.size and not self.first_sound:
            self.first_sound = time.perf_counter() + loud[0] / speech.RATE

    def send(self, message: Mapping[str, Any], *, fast: bool = False) -> None:
        if message["t"] == "state":
            (self.nobody_answers.set if message["value"] == "listening" else self.nobody_answers.clear)()

    async def ask(self, question: NDArray[np.float32]) -> float:
        """Speak, wait for the answer, stop it; ms from the last loud sample spoken to the first loud one played."""
        self.first_sound = 0.0
        last_loud = int(np.flatnonzero(np.abs(question) > LOUD)[-1])
        sound = np.concatenate([question, np.zeros(int(ANSWER_S * speech.RATE), np.float32)])
        began = time.perf_counter()
        for at in range(0, len(sound) - STEP, STEP):
            await asyncio.sleep(began + (at + STEP) / speech.RATE - time.perf_counter())
            self.speak(sound[at : at + STEP].copy(), speech.RATE)
            if self.first_sound:
                break
        if not self.first_sound:
            raise RuntimeError("no answer")
        self.message({"t": "interrupt"})
        await asyncio.wait_for(self.nobody_answers.wait(), 5)
        await asyncio.sleep(QUIET_S)
        return (self.first_sound - began - last_loud / speech.RATE) * 1000


def main(quick: bool) -> dict[str, Any]:
    """Keys: v2v_ms_p50, v2v_ms_max, stages_ms (median ms after the end of speech), rss_mb, health_ms."""
    questions = QUESTIONS[:4] if quick else QUESTIONS
    times, stages = asyncio.run(_talk(questions))
    health_ms, ready_ms, rss_mb = _serve()
    return {
        "v2v_ms_p50": round(statistics.median(times)),
        "v2v_ms_max": round(max(times)),
        "stages_ms": stages,
        "questions": len(times),
        "rss_mb": rss_mb,
        "health_ms": health_ms,
        "ready_ms": ready_ms,
    }


async def _talk(questions: tuple[str, ...]) -> tuple[list[float], dict[str, int]]:
    kinds = registry()
    plan = compile_plan(load(find("default"), library=LIBRARY), kinds)
    engine, caller = Engine(kinds), _Caller()
    await asyncio.gather(*(engine.shared.get(need) for needs in engine.needs(plan).values() for need in needs))
    async with Graph(plan, engine, ends={"call": caller}) as graph:
        times = [await caller.ask(speech.say(question)) for question in questions]
        marks = [dict(moments) for moments in graph.marks.values() if any(n == "first_sound" for n, _ in moments)]
    engine.close()
    names = list(dict.fromkeys(name for moments in marks for name in moments))
    medians = {
        name: round(statistics.median((m[name] - m["speech_end"]) / 1e6 for m in marks if name in m)) for name in names
    }
    return times, dict(sorted(medians.items(), key=lambda item: item[1]))


def _serve() -> tuple[int, int, int]:
    """Start the server: ms to the first answer of /health, ms until its models are loaded, resident MB then."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "vaidol.server.cli", "serve", "--no-history", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    first = 0.0
    try:
        while time.perf_counter() - began < 60:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                    first = first or time.perf_counter() - began
                    if json.load(answer)["status"] == "ok":
                        break
            except OSError:
                pass
            time.sleep(0.02)
        ready = time.perf_counter() - began
        status = Path(f"/proc/{process.pid}/status").read_text()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=10)
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return round(first * 1000), round(ready * 1000), int(resident.split()[1]) // 1024

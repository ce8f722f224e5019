"""What it costs to have the models in `vaidol ml` instead of the same process: the same questions by turns."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from vaidol.graph.frames import Audio, Sentence, TextDelta, Transcript, Utterance
from vaidol.tests.bench import _speech as speech
from vaidol.tests.bench.providers import SENTENCES, _Bench, _with
from vaidol.tests.e2e.serving import serving

QUIET = np.zeros(speech.RATE // 4, np.float32)
PORTS: dict[str, tuple[tuple[str, str, str], type[Any]]] = {
    "tts": (("sentence", "text", "audio"), Audio),
    "asr": (("sound", "audio", "transcript"), Transcript),
    "agent": (("user", "user", "text"), TextDelta),
}


def _kinds(url: str) -> dict[str, tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]]]]:
    """By role: the kind and its settings in this process, and those that ask the service."""
    far = {"base_url": f"{url}/v1"}
    voice = {**far, "model": "tts", "voice": "heart", "cache_mb": 0}
    chat = {"persona": "vai", "cues": False, "summarise": False, "memory": 600, "max_tokens": 16}
    return {
        "tts": (
            ("tts.hibari", {"cache_mb": 0}),
            ("tts.openai", voice),
        ),
        "asr": (("asr.faster_whisper", {}), ("asr.openai", {**far, "model": "asr"})),
        "agent": (("agent.llama", chat), ("agent.openai", {**far, **chat, "model": "agent"})),
    }


async def _first_ms(role: str, bench: _Bench, text: str) -> float:
    """To the first sound, the transcript, the first word."""
    if role == "tts":
        began, got = await bench.ask("sentence", Sentence, text=text, speech=text)
        return 1e3 * (next(at for at, frame in got if isinstance(frame, Audio) and len(frame.samples)) - began)
    if role == "asr":
        sound = np.concatenate([QUIET, speech.say(text), QUIET])
        began, got = await bench.ask("sound", Utterance, samples=sound, rate=speech.RATE)
        return 1e3 * (got[-1][0] - began)
    began, got = await bench.ask("user", Transcript, text=text)
    return 1e3 * (next(at for at, frame in got if isinstance(frame, TextDelta) and frame.text) - began)


async def _compared(role: str, kinds: tuple[tuple[str, dict[str, Any]], ...], texts: tuple[str, ...]) -> dict[str, Any]:
    ports, frame = PORTS[role]
    took: tuple[list[float], list[float]] = ([], [])

    async def here(one: _Bench) -> None:
        async def there(other: _Bench) -> None:
            for number, text in enumerate(("Hello, and good morning.", *texts)):
                for bench, times in ((one, took[0]), (other, took[1])):
                    ms = await _first_ms(role, bench, text)
                    if number:
                        times.append(ms)

        await _with(*kinds[1], ports, frame, there)

    await _with(*kinds[0], ports, frame, here)
    inline, remote = map(statistics.median, took)
    ratio = statistics.median(far / near for near, far in zip(*took, strict=True))
    return {
        "in this process ms": inline, "by vaidol ml ms": remote, "ratio": ratio,
        "the quickest ms": min(took[0]), "the quickest by vaidol ml ms": min(took[1]),
    }  # fmt: skip


def main(quick: bool) -> dict[str, Any]:
    """By role: to the first sound, the transcript, the first word; medians, and the median ratio."""
    texts = SENTENCES[:3] if quick else SENTENCES * 3
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "--set", "tts.cache_mb=0", command="ml") as ml:
        return {role: asyncio.run(_compared(role, kinds, texts)) for role, kinds in _kinds(ml.url).items()}

"""Turn-taking on synthesized speech with labelled pauses, with the real models on virtual time, and on noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from vaidol.graph.clock import run_virtual
from vaidol.tests.bench import _speech as speech
from vaidol.tests.bench._noises import noises
from vaidol.tests.bench._sentences import MEASURED, Sentences
from vaidol.tests.bench._turn_graphs import RATE, REFERENCE, Heard, conversation, echo, noise

F32 = NDArray[np.float32]
PAUSES_MS = (300, 500, 700, 1000)
AFTER_S = 3.0
SNR_DB = 20.0
# (voice, whether there is white noise); turn.silence hears every second pair only, for it hears no difference
PLACES = (
    ("espeak en-us", False), ("hibari", True), ("espeak en-gb", True), ("hibari", False), ("espeak en-us+f3", False),
)  # fmt: skip
STORY = "Once upon a time there was a small robot. It lived on a hill. Every night it counted the stars."


def main(quick: bool) -> dict[str, Any]:
    """Keys: cutoffs (pause ms -> share of sentences whose reply sounded within them, where the first half cannot be
    all), cutoffs_whole (where it could), each with _95 (interval of 95 %) and, with turn.silence, _silence;
    delay_after_end_ms_p50, _p90 (decision after the last sample of speech), delay_ms (the same by kind);
    speculations, speculations_dropped (a share); false_bargeins_per_hour, self_interruptions."""
    loaded: dict[str, object] = {}
    found: dict[str, Any] = {}
    sentences = _few(MEASURED) if quick else MEASURED
    for way, places in (("", PLACES[:2] if quick else PLACES), ("_silence", PLACES[:1] if quick else PLACES[1::2])):
        found |= _turns(way, places, sentences, loaded)
    seconds = 20.0 if quick else 120.0
    falls = {name: run_virtual(noise(sound, loaded)) for name, sound in noises(seconds).items()}
    found["false_bargeins_per_hour"] = round(sum(falls.values()) * 3600 / (seconds * len(falls)), 1)
    found["false_bargeins"] = falls
    voice = soxr.resample(say("hibari", STORY), RATE, 48_000).astype(np.float32)
    found["self_interruptions"] = {
        name: run_virtual(echo(10.0 if quick else 60.0, voice, edges, loaded))
        for name, edges in (("guarded", [REFERENCE]), ("unguarded", []))
    }
    return found


def _few(all_: Sentences) -> Sentences:
    return Sentences(all_.open[:3], all_.whole[:1], {kind: texts[:1] for kind, texts in all_.finished.items()})


def _turns(
    way: str, places: Iterable[tuple[str, bool]], sentences: Sentences, loaded: dict[str, object]
) -> dict[str, Any]:
    """All sentences at all places, with turn.smart ("") or turn.silence."""
    found: dict[str, Any] = {}
    every: list[Heard] = []
    delays: dict[str, list[float]] = {}

    def heard(halves: tuple[str, ...], pause: int) -> Iterator[Heard]:
        for voice, noisy in places:
            sound, end_s = _spoken(voice, halves, pause, noisy=noisy)
            every.append(run_virtual(conversation(way.strip("_") or "smart", sound, end_s, loaded)))
            yield every[-1]

    for kind, name in (("open", "cutoffs"), ("whole", "cutoffs_whole")):
        early = {
            str(pause): [one.early for halves in getattr(sentences, kind) for one in heard(halves, pause)]
            for pause in PAUSES_MS
        }
        found[f"{name}{way}"] = {pause: round(sum(cut) / len(cut), 3) for pause, cut in early.items()}
        found[f"{name}{way}_95"] = {pause: _interval(sum(cut), len(cut)) for pause, cut in early.items()}
        found[f"{name}{way}_n"] = len(early["300"])
    for kind, texts in sentences.finished.items():
        delays[kind] = [one.delay_ms for text in texts for one in heard((text,), 0) if one.delay_ms is not None]
    found[f"delay_ms{way}"] = {kind: {"p50": _part(ms, 50), "p90": _part(ms, 90)} for kind, ms in delays.items()}
    whole = [ms for each in delays.values() for ms in each]
    found |= {f"delay_after_end_ms_p50{way}": _part(whole, 50), f"delay_after_end_ms_p90{way}": _part(whole, 90)}
    begun = sum(one.begun for one in every)
    if begun:
        dropped = sum(one.dropped for one in every)
        found |= {"speculations": begun, "speculations_dropped": round(dropped / begun, 3)}
    return found


def _part(values: list[float], percent: int) -> int:
    return round(float(np.percentile(values, percent)))


def _interval(hits: int, count: int) -> list[float]:
    """Where the true share lies with 95 % (Wilson)."""
    z = 1.96
    middle = (hits + z * z / 2) / (count + z * z)
    half = z * math.sqrt(hits * (count - hits) / count + z * z / 4) / (count + z * z)
    return [round(max(0.0, middle - half), 3), round(min(1.0, middle + half), 3)]


_said: dict[tuple[str, str], F32] = {}


def _spoken(voice: str, halves: tuple[str, ...], pause_ms: int, *, noisy: bool) -> tuple[F32, float]:
    """The halves with the pause between them, and where speech ends, s."""
    parts = [np.zeros(RATE // 2, np.float32)]
    for half in halves:
        parts += [say(voice, half), np.zeros(RATE * pause_ms // 1000, np.float32)]
    parts[-1] = np.zeros(int(AFTER_S * RATE), np.float32)
    end = sum(map(len, parts[:-1]))
    sound = np.concatenate(parts)
    if noisy:
        level = np.sqrt(np.mean(np.square(parts[1]))) * 10 ** (-SNR_DB / 20)
        sound += np.random.default_rng(1).standard_normal(len(sound)).astype(np.float32) * level
    return sound, end / RATE


def say(voice: str, text: str) -> F32:
    """`text`, from its first to its last loud sample."""
    if (voice, text) not in _said:
        if voice == "hibari":
            from vaidol.models.hibari import Hibari

            sound = soxr.resample(np.concatenate(list(Hibari("heart").stream(text))), 24_000, RATE)
        else:
            sound = soxr.resample(speech.say(text, voice=voice.removeprefix("espeak ")), speech.RATE, RATE)
        loud = np.flatnonzero(np.abs(sound) > 0.01)
        _said[voice, text] = np.ascontiguousarray(sound[loud[0] : loud[-1] + 1], np.float32)
    return _said[voice, text]

"""Voice-to-voice over real WebRTC: the default pipeline with speculation on and off, and what is not the models."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any

from vaidol.graph.spec import Source, load
from vaidol.nodes import registry
from vaidol.pipelines import LIBRARY, find
from vaidol.server.app import Server
from vaidol.tests.bench import _instant as instant
from vaidol.tests.bench import _speech as speech
from vaidol.tests.bench._call import calling, serving
from vaidol.tests.bench._split import Ear, medians, parts
from vaidol.tests.bench.talk import QUESTIONS

SILENCE_MS = 400  # the endpointing delay chosen for the run without models


def main(quick: bool) -> dict[str, Any]:
    """Keys: v2v_ms_p50, v2v_ms_max, added_ms_p50, added_ms_max (above the chosen endpointing delay, without models),
    speculation_gain_ms (median without minus median with), speculations_dropped (share), stages_ms."""
    return asyncio.run(_main(QUESTIONS[:4] if quick else QUESTIONS))


async def _main(questions: tuple[str, ...]) -> dict[str, Any]:
    added, split = await _added(questions)
    ahead: list[float] = []
    after: list[float] = []
    marks: list[dict[str, int]] = []
    begun = dropped = 0
    async with (
        serving(_default(160), registry()) as (fast, server),
        serving(_default(0), registry()) as (slow, _),
        calling(fast) as one,
        calling(slow) as other,
    ):
        await one.ask(speech.say("Hello!"))
        await other.ask(speech.say("Hello!"))
        for question in questions:
            sound = speech.say(question)
            ahead.append(await one.ask(sound))
            after.append(await other.ask(sound))
        begun, dropped, marks = _told(server)
    names = list(dict.fromkeys(name for moments in marks for name in moments))
    stages = {n: round(statistics.median((m[n] - m["speech_end"]) / 1e6 for m in marks if n in m)) for n in names}
    return {
        "v2v_ms_p50": round(statistics.median(ahead)),
        "v2v_ms_max": round(max(ahead)),
        "added_ms_p50": round(statistics.median(added)),
        "added_ms_max": round(max(added)),
        "added_split_ms": split,
        "without_speculation_ms_p50": round(statistics.median(after)),
        "speculation_gain_ms": round(statistics.median(after) - statistics.median(ahead)),
        "speculations_dropped": round(dropped / begun, 3) if begun else 0.0,
        "speculations": begun,
        "questions": len(ahead),
        "stages_ms": dict(sorted(stages.items(), key=lambda item: item[1])),
    }


async def _added(questions: tuple[str, ...]) -> tuple[list[float], dict[str, float]]:
    """Ms above the chosen silence, and the median of each of its parts (`_split.parts`)."""
    pipeline = instant.pipeline(use="turn.silence", **{"with": {"silence_ms": SILENCE_MS}})
    added, each = [], []
    async with serving(pipeline, instant.kinds()) as (url, server), calling(url) as person:
        ear = Ear(next(iter(server.sessions)))
        for question in questions:
            took = await person.ask(speech.say(question))
            added.append(took - SILENCE_MS)
            moments = _told(server)[2][-1]
            each.append(parts(person.mouth.last_loud_s, ear, moments, took, SILENCE_MS))
    return added, medians(each)


def _default(speculate_ms: int) -> Source:
    source = load(find("default"), library=LIBRARY)
    nodes = dict(source.spec.nodes)
    nodes["turn"] = nodes["turn"].model_copy(update={"settings": {"speculate_ms": speculate_ms}})
    return Source(source.spec.model_copy(update={"nodes": nodes}), source.document)


def _told(server: Server) -> tuple[int, int, list[dict[str, int]]]:
    """Speculations begun and abandoned, and the moments of every utterance that was answered."""
    begun = dropped = 0
    marks = []
    for session in server.sessions:
        graph = session.graph
        if graph is not None:
            begun += sum(e.name == "turn_begin" and e.code == "speculative" for e in graph.events)
            dropped += sum(e.name == "turn_cut" and e.code == "abandoned" for e in graph.events)
            marks += [dict(moments) for moments in graph.marks.values() if any(n == "first_sound" for n, _ in moments)]
    return begun, dropped, marks

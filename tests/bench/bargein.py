"""Interruptions over real WebRTC: from the user's onset, and from the decision, to the last loud packet."""

from __future__ import annotations

import asyncio
import random
import statistics
from typing import Any

from vaidol.graph.clock import NS
from vaidol.server.app import Server
from vaidol.tests.bench import _instant as instant
from vaidol.tests.bench import _speech as speech
from vaidol.tests.bench._call import Person, calling, serving

WORDS = ("Stop it please!", "Wait, what about tomorrow?", "No, I meant something else.", "Could you tell me more?")
PER_CALL = 5  # within a call the packets of both sides keep step
FADED = 0.02  # of full scale; the reply hums at 0.25


def main(quick: bool) -> dict[str, Any]:
    """Keys: onset_to_silence_ms_p50 and _p99 (from the first loud sample at the microphone), and
    decision_to_last_packet_ms_p50 and _p99, stale_packets (loud ones after the first silence), trials."""
    return asyncio.run(_main(8 if quick else 50))


async def _main(trials: int) -> dict[str, Any]:
    chance = random.Random(1)
    onset: list[float] = []
    decision: list[float] = []
    stale = 0
    pipeline = instant.pipeline(use="turn.smart", **{"with": {"model": ""}})
    async with serving(pipeline, instant.kinds()) as (url, server):
        for first in range(0, trials, PER_CALL):
            await asyncio.sleep(chance.uniform(0.0, 0.04))
            async with calling(url) as person:
                for trial in range(first, min(first + PER_CALL, trials)):
                    taken = await _interrupt(person, server, WORDS[trial % len(WORDS)], chance)
                    onset.append(taken[0])
                    decision.append(taken[1])
                    stale += taken[2]
    return {
        "onset_to_silence_ms_p50": round(statistics.median(onset)),
        "onset_to_silence_ms_p99": round(_p99(onset)),
        "decision_to_last_packet_ms_p50": round(statistics.median(decision), 1),
        "decision_to_last_packet_ms_p99": round(_p99(decision), 1),
        "stale_packets": stale,
        "trials": trials,
    }


async def _interrupt(person: Person, server: Server, words: str, chance: random.Random) -> tuple[float, float, int]:
    """Ms from the onset, ms from the decision to hold, and loud packets that came later."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    person.send({"t": "text", "text": "Tell me a story"})
    await person.until(lambda: person.loud(began))
    await asyncio.sleep(chance.uniform(0.3, 0.9))
    spoken = loop.time()
    long_s = person.mouth.say(speech.say(words))
    graph = list(server.sessions)[-1].graph
    assert graph is not None

    def held() -> float:
        return next((e.ns / NS for e in graph.events if e.name == "hold" and e.ns / NS >= spoken), 0.0)

    await person.until(held)
    decided = held()
    await asyncio.sleep(0.15)
    packets = [(at, level) for at, level in person.heard if at >= spoken]
    loud = [at for at, level in packets if level > FADED]
    quiet = next((at for at, level in packets if at > decided and level <= FADED), loop.time())
    await asyncio.sleep(long_s)
    person.send({"t": "interrupt"})
    last = max(at for at in loud if at <= quiet)
    stale = sum(at > quiet for at in loud)
    first = person.mouth.loud_s[0]
    await person.until(lambda: person.state == "listening")
    await asyncio.sleep(0.4)
    person.send({"t": "interrupt"})  # what was said is not to be answered
    await asyncio.sleep(0.1)
    return (last - first) * 1000, max(0.0, last - decided) * 1000, stale


def _p99(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]

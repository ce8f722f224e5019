"""Facts about the user: how many of those told are found, and what is taken for one, by rules and by the toy model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from itertools import islice
from typing import Any

from vaidol.models.llama import Llama
from vaidol.models.store import Store
from vaidol.nodes.agent._chat import conversation
from vaidol.nodes.agent._fact_asking import ask_for_facts
from vaidol.nodes.agent._facts import found
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.agent.llama import LlamaSettings
from vaidol.tests.bench._told import TOLD

ASKED = 12  # statements that the model is asked about, and as many others


def learned(quick: bool) -> dict[str, Any]:
    """found: share of the facts told; false: of the lines without one, those in which one was found."""
    figures: dict[str, Any] = {}
    for language, said in TOLD.items():
        figures[f"rules, {language}"] = _measured(said, lambda text: [one.text for one in found(text)])
    some = 3 if quick else ASKED
    english = TOLD["English"].items()
    said = dict([*islice((told for told in english if told[1]), some), *islice((t for t in english if not t[1]), some)])
    settings = LlamaSettings()
    model = Llama(Store().path(settings.model), context=settings.context, slots=1)
    figures[f"{settings.model}, English"] = _measured(said, lambda text: _asked(model, settings, text))
    model.close()
    return figures


def _measured(said: dict[str, str], find: Callable[[str], Iterable[str]]) -> dict[str, float]:
    began = time.perf_counter()
    told = {text: list(find(text)) for text in said}
    took_ms = 1e3 * (time.perf_counter() - began) / len(said)
    facts = {text: word.lower() for text, word in said.items() if word}
    hits = sum(any(word in fact.lower() for fact in told[text]) for text, word in facts.items())
    false = sum(bool(told[text]) for text, word in said.items() if not word)
    others = len(said) - len(facts)
    return {"told": len(facts), "found": hits / len(facts), "others": others, "false": false / others, "ms": took_ms}


def _asked(model: Llama, settings: LlamaSettings, text: str) -> list[str]:
    async def ask(messages: list[Message]) -> AsyncGenerator[str, None]:
        pieces: list[str] = []

        def on_text(piece: str) -> bool:
            pieces.append(piece)
            return True

        model.stream(messages, slot=0, max_tokens=settings.max_tokens, temperature=0.0, seed=1, on_text=on_text)
        yield "".join(pieces)

    memory = conversation(settings)
    memory.user(text)
    told = asyncio.run(ask_for_facts(ask, memory, [], [(1, text)]))
    return [one.text for _, findings in told for one in findings]

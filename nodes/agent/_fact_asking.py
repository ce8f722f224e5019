"""Facts about the user as the agent's own model finds them: asked beside the conversation, read line by line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from vaidol.graph.errors import ProviderError
from vaidol.nodes.agent._facts import found
from vaidol.nodes.agent._memory import Conversation, Message
from vaidol.nodes.agent._memos import Fact, Finding

WITHIN_S = 30.0  # an answer that takes longer is given up
LONGEST = 3000  # characters of one; a model that does not stop is stopped
KNOWN = 40  # facts that the model is told
FACTS = 12  # of one answer
WIDEST = 120  # characters of a fact
ASKS = (
    "(This is not part of the conversation, and you need not play your role in it. Which lasting facts about the user"
    " are in these words of the user: {said}\nAlready known: {known}\nAnswer with one line for each new fact and"
    " nothing else: `new: lives in Oslo`, in the third person without a subject, at most 15 words, in the user's"
    " language; or, where a known fact is not true any more, with its number instead of the word new, such as"
    " `3: lives in Bergen`. What the user asks, wishes or does just now is no fact. If there is none, answer: none)"
)
ANSWER = re.compile(r"^\W{0,4}(?P<of>new|\d{1,3})\s*[:.)]\s*`?(?P<fact>\S[^\n`]*)", re.IGNORECASE | re.MULTILINE)


async def ask_for_facts(
    ask: Callable[[list[Message]], AsyncGenerator[str, None]],
    memory: Conversation,
    known: Sequence[Fact],
    lines: Sequence[tuple[int, str]],
) -> list[tuple[int, Sequence[Finding]]]:
    """What `lines`, (id, text), tell of the user, by their ids. One that fails or is late leaves it to the rules."""
    known = known[:KNOWN]
    listed = "; ".join(f"{number}: {fact.text}" for number, fact in enumerate(known, 1)) or "nothing"
    said = " / ".join(text for _, text in lines)
    answer = ""
    try:
        async with (
            asyncio.timeout(WITHIN_S),
            aclosing(ask(memory.aside(ASKS.format(said=said, known=listed)))) as pieces,
        ):
            async for piece in pieces:
                answer += piece
                if len(answer) > LONGEST:
                    break
    except (ProviderError, TimeoutError):
        return [(line, found(text)) for line, text in lines]
    findings = read(answer, known, said)
    *before, (last, _) = lines  # which of the lines it was is not told
    return [*((line, ()) for line, _ in before), (last, findings)]


def read(answer: str, known: Sequence[Fact], said: str) -> list[Finding]:
    """The facts in a model's answer; one that replaces a known fact has its key."""
    findings: list[Finding] = []
    for match in list(ANSWER.finditer(answer))[:FACTS]:
        fact, number = " ".join(match["fact"].split())[:WIDEST].rstrip(" ."), match["of"]
        if number.lower() == "new":
            findings.append(Finding(f"told {fact.lower()}", fact, said))
        elif 1 <= int(number) <= len(known):
            findings.append(Finding(known[int(number) - 1].key, fact, said))
    return findings

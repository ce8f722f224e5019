"""sim.agent: answers what the scenario says, word by word, on time."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

from vaidol.graph.errors import ProviderError
from vaidol.graph.scenario_stage import Stage
from vaidol.nodes.agent._chat import ChatAgent, ChatSettings
from vaidol.nodes.agent._memory import Message

WORD = re.compile(r"\S+\s*")


class SimAgent(ChatAgent[ChatSettings]):
    """sim.agent: give the replies of the scenario, with the memory of a real agent.

    user (Transcript, the final ones), heard (Mark, what was played), image (Image, what the user shows)
    -> text (TextDelta; the last one empty)
    """

    async def open(self) -> None:
        self._stage: Stage = self.ctx.end("scenario")

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        reply = self._stage.reply(self.ctx.node, messages[-1]["content"])
        words: list[str] = WORD.findall(reply.text)
        await self.ctx.clock.sleep(reply.first_ms / 1000)
        for number, word in enumerate(words):
            if number == reply.fail_after:
                break
            if number:
                await self.ctx.clock.sleep(reply.word_ms / 1000)
            yield word
        if reply.fail_after is not None:
            raise ProviderError(reply.error, retryable=True, code="simulated")

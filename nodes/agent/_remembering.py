"""An agent's part in the history: what is said is written down, facts are learned, what belongs to a turn recalled.

All of it happens beside the conversation, except the recall, which a reply waits for as long as `RECALL_S`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Transcript
from vaidol.graph.node import Context
from vaidol.nodes.agent import _meaning
from vaidol.nodes.agent._fact_asking import ask_for_facts
from vaidol.nodes.agent._facts import found
from vaidol.nodes.agent._history import POOL, HistoryError, Recorder
from vaidol.nodes.agent._memory import Conversation, Message
from vaidol.nodes.agent._memos import Memos
from vaidol.nodes.agent._recall import Recalled, reminder

if TYPE_CHECKING:
    from vaidol.nodes.agent._chat import ChatSettings

RECALL_S = 1.0  # a reply waits no longer for what was said earlier; 20 ms are usual
MEANING_S = 0.25  # of it for what is asked to be understood
AT_ONCE = 16  # lines that are looked at, or given a meaning, in one piece of work
ROUNDS = 20  # of such pieces after one reply: an old file is worked through over many


class Remembering:
    """`who`: whose conversation this is, persona and prompt. ask: messages in, the model's words out."""

    def __init__(
        self,
        ctx: Context,
        settings: ChatSettings,
        who: str,
        memory: Callable[[], Conversation],
        ask: Callable[[list[Message]], AsyncGenerator[str, None]],
    ) -> None:
        self._ctx = ctx
        self._settings = settings
        self._who = who
        self._memory = memory
        self._ask = ask
        self._recorder: Recorder | None = None
        self._writing = False
        self._learning: asyncio.Task[None] | None = None
        self._more = False  # there may be something to learn
        self._complained = False  # that it cannot be written down
        self._any = False  # there is something to recall

    def open(self) -> None:
        """Begin, where this session keeps a history."""
        try:
            self._recorder = self._ctx.end("history")
        except ProviderError:
            return
        self._memory().note = self._note
        meaning = self._recorder.history.meaning
        if self._settings.recall and meaning is not None and not meaning.ready:
            self._ctx.spawn(self._ctx.call(_meaning.POOL, meaning.load))

    async def close(self) -> None:
        """Write down what waits, and learn what is plainly said in it."""
        await self._write(learn=False)
        if self._recorder is not None and self._recorder.user and self._settings.facts == "rules":
            await self._quietly(partial(self._by_rules, self._recorder, last=True))

    def go_on(self, chat: str) -> None:
        """What is said from now on belongs to `chat`."""
        if self._recorder is not None:
            self._recorder.go_on(self._who, chat)

    def stop(self) -> None:
        """Somebody waits for the model."""
        if self._learning is not None and self._settings.facts == "llm":
            self._learning.cancel()

    async def recalled(self, user: Transcript) -> str:
        """What the user told this persona earlier that belongs to this turn; counted, and nothing where it is slow."""
        recorder = self._recorder
        if recorder is None or not recorder.user or not self._settings.recall:
            return ""
        try:
            async with asyncio.timeout(RECALL_S):
                told = await self._recall(recorder, user.text)
        except (HistoryError, ProviderError, TimeoutError):
            self._ctx.count("not_recalled")
            return ""
        self._ctx.count("recalled", len(told))
        if told:
            self._publish("recalled", [one.text for one in told], user.gen, user.trace)
        return reminder(told)

    async def _recall(self, recorder: Recorder, text: str) -> list[Recalled]:
        memos, meaning = recorder.history.memos, recorder.history.meaning
        whose = (recorder.user, self._settings.persona)
        self._any = self._any or await self._ctx.call(POOL, memos.any, *whose)
        if not self._any:
            return []
        vector = b""
        if meaning is not None and meaning.ready:
            try:
                async with asyncio.timeout(MEANING_S):
                    vector = await self._ctx.call(_meaning.POOL, meaning.vector, text)
            except TimeoutError:  # the words alone, then
                self._ctx.count("recalled_by_words")
        chat, since = recorder.chat(self._who), self._memory().oldest
        look = partial(memos.recall, *whose, text, self._settings.recall, vector=vector, chat=chat, since=since)
        return await self._ctx.call(POOL, look)

    def _note(self, n: int, role: str, text: str) -> None:
        assert self._recorder is not None
        self._recorder.note(self._who, self._settings.persona, n, role, text)
        if not self._writing:
            self._writing = True
            self._ctx.spawn(self._write())

    async def _write(self, *, learn: bool = True) -> None:
        """Write down what waits; what cannot be written waits for the next time."""
        recorder = self._recorder
        try:
            while recorder is not None and (lines := recorder.waiting()):
                await self._ctx.call(POOL, recorder.history.write, lines)
                recorder.written(lines)
                self._complained = False
        except (HistoryError, ProviderError) as error:
            if not self._complained:  # once, until it works again
                self._ctx.trouble(str(error), code="history")
            self._complained = True
            return
        finally:
            self._writing = False
        if learn and recorder is not None and recorder.user:
            self._more = True
            if self._learning is None or self._learning.done():
                self._learning = self._ctx.spawn(self._learn(recorder))

    # what nobody waits for

    async def _learn(self, recorder: Recorder) -> None:
        ways: dict[str, Callable[[Recorder], Awaitable[bool]]] = {"rules": self._by_rules, "llm": self._by_model}
        while self._more:
            self._more = False
            if way := ways.get(self._settings.facts):
                await self._quietly(partial(way, recorder))
            await self._quietly(partial(self._mean, recorder))

    async def _quietly(self, step: Callable[[], Awaitable[bool]]) -> None:
        """`step` after step, until it has nothing left to do."""
        try:
            for _ in range(ROUNDS):
                if not await step():
                    break
        except (HistoryError, ProviderError, TimeoutError):
            self._ctx.count("not_learned")  # the next turn tries again

    async def _by_rules(self, recorder: Recorder, *, last: bool = False) -> bool:
        """Learn what some lines plainly say. last: nothing is taken back any more."""
        where = self._where(recorder, last=last)
        looked, new = await self._ctx.call(POOL, _look, recorder.history.memos, *where)
        self._learned(new)
        return looked > 0

    async def _by_model(self, recorder: Recorder) -> bool:
        memos, where = recorder.history.memos, self._where(recorder)
        lines = await self._ctx.call(POOL, memos.unlooked, *where, AT_ONCE)
        if lines:
            known = await self._ctx.call(POOL, memos.facts, *where[:2])
            told = await ask_for_facts(self._ask, self._memory(), known, lines)
            self._learned(await self._ctx.call(POOL, memos.learn, *where[:2], told))
        return bool(lines)

    async def _mean(self, recorder: Recorder) -> bool:
        """Find out what some lines and facts mean."""
        memos, meaning = recorder.history.memos, recorder.history.meaning
        if meaning is None or not meaning.ready or not self._settings.recall:
            return False
        bare = await self._ctx.call(POOL, memos.meaningless, recorder.user, self._settings.persona, AT_ONCE)
        made = [(memo, text, await self._ctx.call(_meaning.POOL, meaning.vector, text)) for memo, text in bare]
        await self._ctx.call(POOL, memos.mean, made)
        return bool(bare)

    def _where(self, recorder: Recorder, *, last: bool = False) -> tuple[str, str, str, int]:
        """User, persona, chat, and the number of the last line of it that can no longer be taken back."""
        settled = 1 << 60 if last else self._memory().settled
        return recorder.user, self._settings.persona, recorder.chat(self._who), settled

    def _learned(self, new: Sequence[str]) -> None:
        self._ctx.count("learned", len(new))
        if new:
            self._publish("learned", new)

    def _publish(self, code: str, texts: Sequence[str], gen: int = 0, trace: int = 0) -> None:
        told = "\n".join(" ".join(text.split()) for text in texts)
        self._ctx.events.publish("memory", node=self._ctx.node, gen=gen, trace=trace, text=told, code=code)


def _look(memos: Memos, user: str, persona: str, chat: str, until: int) -> tuple[int, list[str]]:
    """How many lines were looked at, and the new facts in them."""
    lines = memos.unlooked(user, persona, chat, until, AT_ONCE)
    return len(lines), memos.learn(user, persona, [(line, found(text)) for line, text in lines])

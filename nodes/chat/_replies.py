"""What the avatar writes into a chat: its answer to a message there, as far as it was heard, once it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Mark, Transcript
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context
from vaidol.nodes.chat._crowd import visible

WAITING = 8  # replies that wait to be written; more are dropped
TRIES, AGAIN_S = 4, 2.0  # of a platform that cannot take one now; the wait is doubled each time
COMMANDS = "/.!"  # what begins so is a command to a platform or its bots, which no viewer may make the avatar give


@dataclass(frozen=True, slots=True)
class Reply:
    """`text` answers the message `id` that `name` wrote."""

    id: str
    name: str
    text: str

    @property
    def to_all(self) -> str:
        """The text where nothing else shows whom it answers."""
        begins = self.text.casefold().startswith(self.name.casefold())
        return f"@{self.text}" if begins else f"@{self.name} {self.text}"


class Heard:
    """Follows the answer to a message of the chat node `node`; gives it as a `Reply` when it is over.

    The text is that of the sentences that were played: without cues, and after whatever moderates the voice.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._answers = Transcript()  # the message being answered
        self._sentences: list[str] = []

    def answers(self, message: Transcript) -> None:
        """The reply of the generation `message.gen` answers it, whichever chat it came from."""
        mine = message.ref.partition(":")[0] == self._node
        self._answers, self._sentences = message if mine else Transcript(), []

    def forget(self, id: str) -> None:
        """The message was taken back: nothing answers it."""
        if self._answers.ref == f"{self._node}:{id}":
            self._answers = Transcript()

    def spoken(self, mark: Mark) -> Reply | None:
        if not self._answers.gen or mark.gen != self._answers.gen:
            return None
        if mark.kind == "sentence_end" and mark.sentence is not None:
            self._sentences.append(mark.sentence.text)
        return self._over(" ".join(self._sentences)) if mark.kind == "reply_end" else None

    def cut(self, cut: TurnCut) -> Reply | None:
        if not self._answers.gen or cut.gen != self._answers.gen:
            return None
        return self._over(f"{cut.heard_text} …" if cut.heard_text else "")

    def _over(self, text: str) -> Reply | None:
        message, self._answers, self._sentences = self._answers, Transcript(), []
        text = visible(text).lstrip(COMMANDS)
        return Reply(message.ref.partition(":")[2], message.who, text) if text.strip("… ") else None


class Poster:
    """Writes one reply after the other by `post`, at least `gap_s` apart; what cannot be written is counted."""

    def __init__(self, ctx: Context, gap_s: float, post: Callable[[Reply], Awaitable[None]]) -> None:
        self._ctx = ctx
        self._gap_s = gap_s
        self._post = post
        self._waiting: asyncio.Queue[Reply] = asyncio.Queue(WAITING)
        self._told = ""

    def put(self, reply: Reply) -> None:
        if self._waiting.full():
            self._ctx.count("not_posted")
        else:
            self._waiting.put_nowait(reply)

    async def run(self) -> None:
        while True:
            await self._write(await self._waiting.get())
            await self._ctx.clock.sleep(self._gap_s)

    async def _write(self, reply: Reply) -> None:
        for again in range(TRIES):
            try:
                await self._post(reply)
            except ProviderError as error:
                fault = error
                if not error.retryable:
                    break
                await self._ctx.clock.sleep(AGAIN_S * 2**again)
            else:
                self._told = ""
                self._ctx.count("posted")
                return
        self._ctx.count("not_posted")
        if str(fault) != self._told:
            self._told = str(fault)
            self._ctx.trouble(self._told, code=fault.code)


def shortened(text: str, most: int) -> str:
    """`text` in at most `most` characters, cut between two words where there are some."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    whole = cut.rpartition(" ")[0]
    return (whole if len(whole) > most // 2 else cut).rstrip(" ,;:-") + "…"

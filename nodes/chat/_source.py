"""The base of every chat platform: connects, keeps connected, lets through what the settings allow, and writes back."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar, TypeVar

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Mark, Transcript
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Node
from vaidol.graph.ports import Port
from vaidol.nodes.chat._crowd import ChatSettings, Crowd, Said
from vaidol.nodes.chat._replies import Heard, Poster, Reply, shortened

FIRST_S, LONGEST_S = 1.0, 60.0  # until a lost connection is tried again: doubled each time
STEADY_S = 60.0  # a connection that lasted so long was a good one
RECENT = 1000  # messages let through that may still be taken back
OWN = 50  # texts written here that are known when they come back

C = TypeVar("C", bound=ChatSettings)


class ChatSource(Node[C]):
    """answers (Transcript: the message being answered), spoken (Mark: what is heard of the answer)
    -> chat (Transcript: `who` wrote it, `rank` 3 = paid, 2 = speaks to the avatar, 1 = asks, 0 = other)

    With `reply: true`, what was heard of an answer is written into the chat. What a moderator deletes there is taken
    back, as a message with the same `ref` and no text.
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("answers", Transcript, optional=True),
        Port("spoken", Mark, optional=True),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("chat", Transcript, source=True),)
    longest: ClassVar[int]  # characters of one message that the platform takes
    mentions: ClassVar[bool] = True  # False: the platform itself shows whom a message answers

    def __init__(self, settings: C, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.crowd = Crowd(settings, lambda why: ctx.count(f"dropped_{why}"))
        self._heard = Heard(ctx.node)
        self._poster = Poster(ctx, settings.reply_gap_s, self._post)
        self._recent: OrderedDict[str, str] = OrderedDict()  # id of a message let through -> its author
        self._own: deque[str] = deque(maxlen=OWN)

    @classmethod
    def ports(cls, settings: C) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
        """Who wants replies must say which they are."""
        return tuple(replace(port, optional=not settings.reply) for port in cls.inputs), cls.outputs

    @abstractmethod
    def messages(self) -> AsyncGenerator[Said, None]:
        """Connect, and give what is written until the connection ends. Raises `ProviderError`; one that is not
        `retryable` ends it for good."""

    @abstractmethod
    async def post(self, id: str, text: str) -> None:
        """Write `text`, one line, in answer to the message `id`. Raises `ProviderError`."""

    async def open(self) -> None:
        """Subclasses call this."""
        if self.settings.reply:
            self.ctx.spawn(self._poster.run())

    def process(self, port: str, frame: Transcript | Mark) -> None:
        if isinstance(frame, Transcript):
            self._heard.answers(frame)
        else:
            self._write(self._heard.spoken(frame))

    def cut(self, cut: TurnCut) -> None:
        self._write(self._heard.cut(cut))

    async def run(self) -> None:
        """Listen for ever: a lost connection is told once and made again."""
        clock, wait_s = self.ctx.clock, FIRST_S
        told = ""
        while True:
            began = clock.s()
            try:
                async with aclosing(self.messages()) as messages:
                    async for said in messages:
                        told = ""
                        self._take(said)
            except ProviderError as error:
                if str(error) != told:
                    told = str(error)
                    self.ctx.trouble(told, code=error.code)
                if not error.retryable:
                    return
            wait_s = FIRST_S if clock.s() - began >= STEADY_S else min(2 * wait_s, LONGEST_S)
            await clock.sleep(wait_s)

    def take_back(self, *, id: str = "", user: str = "") -> None:
        """The message `id`, or all of `user`, were deleted."""
        for one in [one for one, author in self._recent.items() if one == id or (user and author == user)]:
            del self._recent[one]
            self._heard.forget(one)
            self.ctx.count("taken_back")
            self.emit("chat", Transcript(ref=f"{self.ctx.node}:{one}", final=True, born=self.ctx.clock.ns()))

    def _take(self, said: Said) -> None:
        said = self.crowd.clean(said)
        if said.text in self._own:
            self.ctx.count("dropped_own")
            return
        rank = self.crowd.judge(said, self.ctx.clock.s())
        if rank is None:
            return
        self.ctx.count("let_through")
        if said.id:
            self._recent[said.id] = said.user
            if len(self._recent) > RECENT:
                self._recent.popitem(last=False)
        ref, born = f"{self.ctx.node}:{said.id}", self.ctx.clock.ns()
        who, text = said.name, said.text
        self.emit("chat", Transcript(text=text, who=who, rank=rank, ref=ref, typed=True, final=True, born=born))

    def _write(self, reply: Reply | None) -> None:
        if reply is not None and self.settings.reply:
            self._poster.put(reply)

    async def _post(self, reply: Reply) -> None:
        most = min(self.settings.reply_length or self.longest, self.longest)
        text = shortened(reply.to_all if self.mentions else reply.text, most)
        self._own.append(self.crowd.clean(Said("", "", "", text)).text)  # it may come back sooner than the answer to it
        await self.post(reply.id, text)

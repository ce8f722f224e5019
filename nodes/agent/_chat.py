"""The base of every agent: turns of a conversation in, a streamed reply out, and a memory of what was heard."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field, field_validator

from vaidol.graph.errors import ProviderError
from vaidol.graph.events import Event
from vaidol.graph.frames import Image, Mark, TextDelta, Transcript
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.agent._address import addressed
from vaidol.nodes.agent._context import Summaries
from vaidol.nodes.agent._eyes import Eyes
from vaidol.nodes.agent._history import Line
from vaidol.nodes.agent._memory import Conversation, Message
from vaidol.nodes.agent._persona import TAG, load_persona
from vaidol.nodes.agent._remembering import Remembering


class ChatSettings(Settings):
    """What all agents have in common."""

    persona: str = "vai"
    """Who the avatar is: name of a persona that ships with vaidol, or path of a YAML file."""
    prompt: str = Field("", max_length=20_000)
    """A system prompt instead of the persona's; its examples are then left out."""
    cues: bool = True
    """Ask the model for tags such as [joy] that move the avatar; without them the words decide."""
    greet: bool = False
    """Speak the persona's greeting when the client joins, unless the user is quicker."""
    memory: int = Field(2000, ge=50, le=1_000_000)
    """What is remembered of the conversation besides the persona, tokens: about four letters, or one of Chinese,
    Japanese and Korean; corrected by what the model reports."""
    summarise: bool = True
    """Have the model summarise what no longer fits into the memory, between two replies; else it is forgotten."""
    recall: int = Field(5, ge=0, le=20)
    """So many things the user told this persona earlier, facts and lines, are put before the model with each turn that
    they belong to, where the server keeps a history; 0 = none."""
    facts: Literal["rules", "llm", "off"] = "rules"
    """How facts about the user ("lives in Oslo") are learned for later talks, where the server keeps a history: rules
    find plain statements in English, German, French and Spanish; llm asks the model after each reply (a good one)."""
    names: bool = True
    """Begin the answer to somebody of an audience with their name where the model does not say it."""
    max_tokens: int = Field(300, ge=1, le=100_000)
    """Length of a reply, tokens."""
    first_token_s: float = Field(20.0, gt=0, le=600)
    """Wait for the first sign of a reply, s."""
    stall_s: float = Field(10.0, gt=0, le=600)
    """Wait between two pieces of a reply, s."""

    @field_validator("persona")
    @classmethod
    def _exists(cls, name: str) -> str:
        load_persona(name)
        return name


GREETING = 1 << 41  # utterance id of the greeting: never equal to those of speech and of typed text
MOST_LETTERS = 16  # of a token; a reply with more than so many for each of `max_tokens` has no end
TOLD = 1 << 43  # and those of what it was told to say
ROOM = 1 << 43  # utterance ids from here on: what others in a room have said (webrtc.data)
OTHERS = 8  # personas whose talk is kept while another one speaks
GREET_AFTER_S = 0.4  # the client's loudspeaker has begun to play by then
C = TypeVar("C", bound=ChatSettings)


class ChatAgent(Node[C]):
    """user (Transcript, the final ones), heard (Mark, what was played), image (Image, what the user shows)
    -> text (TextDelta; the last one empty)

    What it remembers of a reply is what was heard: whole sentences as they are played, and after an interruption
    exactly the words that came out. A turn that died before its transcript came is remembered, and not answered; an
    aside is answered, and not remembered. Where the session has the end `history`, a `Recorder`, it is written down,
    but not what somebody else (`who`) has said.
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("user", Transcript, many=True),
        Port("heard", Mark, optional=True),
        Port("image", Image, many=True, optional=True),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("text", TextDelta),)
    replies = True

    def __init__(self, settings: C, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.memory = conversation(settings)
        self.eyes = Eyes(ctx)
        self._who = f"{settings.persona} {settings.prompt}"
        self._others: dict[str, Conversation] = {}  # of personas that spoke before
        self.memory.summarises = settings.summarise
        self.summaries = Summaries(ctx, self.beside)
        self.answering = Transcript()  # what is being answered
        self._stop_listening: Callable[[], None] = lambda: None
        self._told = 0  # times it was told what to say
        self.remembering = Remembering(ctx, settings, self._who, lambda: self.memory, self.beside)

    @property
    def source(self) -> str:
        """Who answers, for messages to the user."""
        return "the language model"

    @property
    def blind(self) -> str:
        """Why the model is shown no pictures; "" where it is."""
        return f"{self.source} cannot see pictures"

    @abstractmethod
    def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        """The reply, piece by piece; "" is a sign of life. Closed when the reply is cut. Raises `ProviderError`."""

    def beside(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        """An answer that nobody in the conversation hears, without tools. Raises `ProviderError`."""
        return self.stream(messages)

    @property
    def crowded(self) -> bool:
        """The model has one thing to do at a time: what is asked beside the conversation would delay a reply."""
        return False

    async def open(self) -> None:
        """Subclasses call this."""
        self.remembering.open()
        if self.settings.greet and not self.settings.prompt:
            self._stop_listening = self.ctx.events.listen(self._event)
            for event in self.ctx.events:  # the client may have been quicker than this node
                self._event(event)

    async def close(self) -> None:
        """Subclasses call this."""
        self._stop_listening()
        self.eyes.close()
        await self.remembering.close()

    def resume(self, chat: str, lines: Sequence[Line]) -> None:
        """Go on with a conversation of the history: it alone is remembered now, and what is said is added to it."""
        roles: dict[str, Literal["user", "assistant"]] = {"user": "user", "assistant": "assistant"}
        self.memory.recall((line.n, roles[line.role], line.text) for line in lines)
        self.remembering.go_on(chat)

    def export_state(self) -> dict[str, Any]:
        return {"memory": self.memory, "persona": self._who, "others": self._others}

    def import_state(self, state: dict[str, Any]) -> None:
        """Whoever answers now remembers what was said to, and heard of, the one before; another persona only what was
        said to, and heard of, itself."""
        if isinstance(memory := state.get("memory"), Conversation):
            self._others = dict(list(state.get("others", {}).items())[-OTHERS:])
            if (before := state.get("persona", self._who)) == self._who:
                self.memory.go_on(memory)
            else:
                self._others[before] = memory
                if mine := self._others.pop(self._who, None):
                    self.memory.go_on(mine)

    async def process(self, port: str, frame: Transcript | Mark | Image) -> None:
        if isinstance(frame, Mark):
            self._heard(frame)
        elif isinstance(frame, Image):
            self.eyes.show(frame, self.blind)
        elif frame.final:
            text = frame.text.strip()
            if not frame.aside:
                self.memory.user(text, frame.gen, noted=_own(frame))
            if text and self.ctx.fence.alive(frame.gen):
                with self.eyes.look():
                    await self._answer(frame)
            self.emit("text", TextDelta(final=True, born=self.ctx.clock.ns(), gen=frame.gen, trace=frame.trace))

    def cut(self, cut: TurnCut) -> None:
        if not self.ctx.fence.committed[cut.gen]:
            self.memory.abandon(cut.gen)
        else:
            self.memory.cut(cut.gen, cut.heard_text)

    def _event(self, event: Event) -> None:
        if event.name == "joined":
            self._stop_listening()  # who comes back is not greeted again
            self.ctx.spawn(self._greet(load_persona(self.settings.persona).hello()))

    async def _greet(self, text: str) -> None:
        """Say `text` as a reply like any other: it can be interrupted, and is remembered as far as it was heard."""
        await self.ctx.clock.sleep(GREET_AFTER_S)
        while self.ctx.fence.elsewhere:
            await self.ctx.clock.sleep(GREET_AFTER_S)
        if text and not self.ctx.fence.newest:
            await self._recite(text, self.ctx.fence.begin(GREETING), GREETING)

    def say(self, text: str) -> int:
        """Say exactly `text`, in the place of what is being said, as a reply of its own. Returns its generation."""
        self.ctx.fence.cut("told to say something else")
        self._told += 1
        gen = self.ctx.fence.begin(TOLD + self._told)
        self.ctx.spawn(self._recite(text, gen, TOLD + self._told))
        return gen

    async def _recite(self, text: str, gen: int, trace: int) -> None:
        if not self.ctx.fence.alive(gen):
            return
        self.memory.begin(gen)
        self.memory.said(TAG.sub("", text))
        for seq, (piece, final) in enumerate(((text, False), ("", True))):
            born = self.ctx.clock.ns()
            await self.send("text", TextDelta(text=piece, final=final, seq=seq, born=born, gen=gen, trace=trace))

    async def _answer(self, user: Transcript) -> None:
        self.answering = user
        if self.crowded:
            self.summaries.stop()
            self.remembering.stop()
        self.memory.begin(user.gen, fleeting=user.fleeting)
        aside = user.text.strip() if user.aside else await self.remembering.recalled(user) if _own(user) else ""
        reply = self.replied(self.memory.messages(aside))
        async with aclosing(addressed(reply, user.who if self.settings.names else "")) as pieces:
            seq = 0
            async for text in pieces:
                self.memory.said(text)
                self.ctx.mark(user.trace, "first_token")
                await self.send(
                    "text", TextDelta(text=text, seq=seq, born=self.ctx.clock.ns(), gen=user.gen, trace=user.trace)
                )
                seq += 1
        self.ctx.mark(user.trace, "reply_done")
        if self.settings.summarise:
            self.summaries.look(self.memory)  # while the reply is being played

    async def replied(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        """`stream` without its signs of life, each wait within the time that the settings give it; never nothing."""
        limit_s, left = self.settings.first_token_s, MOST_LETTERS * self.settings.max_tokens
        whole = left
        async with aclosing(self.stream(messages)) as pieces:
            while (text := await self._next(pieces, limit_s)) is not None:
                limit_s = self.settings.stall_s
                if text:
                    left -= len(text)
                    yield text
                if left < 0:  # some servers know no max_tokens
                    self.ctx.trouble(f"{self.source} did not come to an end; the reply ends here", code="endless")
                    break
        if left == whole:
            raise ProviderError(f"{self.source} answered with nothing", retryable=True, code="empty")

    async def _next(self, pieces: AsyncGenerator[str, None], limit_s: float) -> str | None:
        try:
            async with asyncio.timeout(limit_s):
                return await anext(pieces, None)
        except TimeoutError:
            message = f"{self.source} sent nothing for {limit_s:g} s"
            raise ProviderError(message, retryable=True, code="stalled") from None

    def _heard(self, mark: Mark) -> None:
        if mark.kind == "sentence_end" and mark.sentence:
            self.memory.heard(mark.gen, mark.sentence.text)
        elif mark.kind == "reply_end":
            self.memory.end(mark.gen)


def _own(frame: Transcript) -> bool:
    """The user said it, nobody in an audience or a room: what those say is neither kept nor answered with memories."""
    return not frame.who and frame.trace < ROOM


def conversation(settings: ChatSettings) -> Conversation:
    """One that has not begun: it holds the persona."""
    persona = load_persona(settings.persona)
    system, examples = settings.prompt, []
    if not system:
        system, examples = persona.system(cues=settings.cues), persona.talk(cues=settings.cues)
    return Conversation(system, examples, budget=settings.memory)

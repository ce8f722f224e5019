"""turn.autonomous: let the avatar speak by itself: after a silence, every so often, to greet, or when it is told to."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from random import Random

from pydantic import Field

from vaidol.graph.events import Event
from vaidol.graph.frames import Speech, Transcript
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.turn._audience import Audience, Pick

AUTONOMOUS = 1 << 42  # utterance ids of what nobody asked for: never equal to those of speech, typed text, greetings
HOUR_S = 3600.0
LOOK_S = 5.0  # at most so long until it is looked again whether something is due
WAITING = 8  # prompts that wait for their moment; more are refused
PROMPTS = (
    "Nobody has said anything for a while. Say one short thing that invites the other person to talk.",
    "Nobody has said anything for a while. Share a small thought of your own in one or two sentences.",
    "Nobody has said anything for a while. Ask the other person one friendly question.",
)


class AutonomousSettings(Settings):
    active: bool = True
    """False: it speaks only after it has been switched on (`POST /api/autonomous`)."""
    after_s: float = Field(45.0, ge=0, le=86_400)
    """Speak after this much silence, s; 0 = never for that reason."""
    every_s: float = Field(0.0, ge=0, le=86_400)
    """Speak this often in any case, s; 0 = never for that reason."""
    on_join: str = Field("", max_length=2000)
    """What to do when somebody joins; empty: nothing."""
    on_viewer: str = Field("", max_length=2000)
    """What to do when somebody begins to watch; {count} stands for how many do now. Empty: nothing."""
    remember: bool = True
    """False: what it says by itself is not remembered, so that it never refers to it."""
    prompts: list[str] = Field(default_factory=lambda: list(PROMPTS), min_length=1, max_length=500)
    """What the agent is told to do, as in "Tell a joke about cats.": topics, tasks, or whole texts."""
    shuffle: bool = True
    """True: in random order, none twice before all have been used; False: in this order, again and again."""
    gap_s: float = Field(20.0, ge=0, le=86_400)
    """At least this long between two things it says by itself, s."""
    per_hour: int = Field(30, ge=0, le=3600)
    """At most so many within an hour."""
    alone: int = Field(3, ge=0, le=1000)
    """It falls silent after so many to which nobody said anything, until somebody does; 0 = it never does."""
    polite_s: float = Field(1.5, ge=0, le=60)
    """It never begins while somebody speaks or is answered, nor sooner than this after that, s."""
    chat_prompt: str = Field('{name} writes in the chat: "{text}"', max_length=2000)
    """How the agent is asked to answer what an audience writes."""
    chat_pick: Pick = "best"
    """Which message is answered next: best (paid, then to the avatar, then questions; the newest of them), newest,
    oldest or random."""
    chat_gap_s: float = Field(3.0, ge=0, le=86_400)
    """Silence before a message of the audience is answered, s."""
    chat_patience_s: float = Field(90.0, gt=0, le=86_400)
    """A message that has waited for so long is forgotten, s; a paid one after ten times that."""
    seed: int = 0
    """Of the random order."""


class Autonomous(Node[AutonomousSettings]):
    """turn.autonomous: tell the agent to say something that nobody asked for.

    speech (Speech: while it lasts, the avatar holds its tongue), chat (Transcript: what an audience writes)
    -> user (Transcript, an aside: it is answered, but not shown or remembered as the user's words; or what somebody of
    the audience, `who`, writes: it is remembered as theirs), answers (Transcript: the message that is answered now)

    What it begins is a reply like any other: whoever speaks interrupts it, and it is remembered as far as it was heard.
    """

    inputs = (Port("speech", Speech, optional=True), Port("chat", Transcript, optional=True, many=True))
    outputs = (Port("user", Transcript, source=True), Port("answers", Transcript, source=True))

    def __init__(self, settings: AutonomousSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.active = settings.active
        self._random = Random(settings.seed)
        self._audience = Audience(settings.chat_pick, settings.chat_patience_s, self._random, ctx.count)
        self._left: list[str] = []  # prompts not used yet
        self._told: deque[str] = deque()  # what it was told to say, before everything else
        self._happened: dict[str, str] = {}  # what to do about something that happened, by what did
        self._timer: asyncio.TimerHandle | None = None
        self._due = ctx.guarded(self._look)
        self._closed = False
        self._speaking = False  # somebody speaks
        self._own: set[int] = set()  # generations begun here, under way
        self._spoke: deque[float] = deque()  # when it began to speak, within the last hour
        self._count = 0
        self._alone = 0  # said since somebody else said something
        now = ctx.clock.s()
        self._quiet_s = self._last_s = now
        self._stop_listening: Callable[[], None] = lambda: None

    async def open(self) -> None:
        self._stop_listening = self.ctx.events.listen(self._event)
        for event in self.ctx.events:  # somebody may have joined before this node was open
            if event.name == "joined":
                self._event(event)
        self._plan()

    async def close(self) -> None:
        self._closed = True
        self._stop_listening()
        self._plan()

    # what others may do with it

    def switch(self, on: bool) -> None:
        """Let it speak by itself, or no longer; what it is saying ends at once."""
        self.active = on
        self._alone = 0
        self._quiet_s = self._last_s = self.ctx.clock.s()
        if not on:
            self._told.clear()
            self._happened.clear()
            self._audience.clear()
            self._stop_own()
        self._plan()

    def tell(self, prompt: str) -> bool:
        """Have `prompt` done at the next moment in which nobody speaks; False when too much waits already."""
        if len(self._told) >= WAITING:
            return False
        self._told.append(prompt)
        self._plan()
        return True

    def report(self) -> dict[str, object]:
        """How it stands."""
        self._forget()
        return {
            "active": self.active, "speaking": bool(self._own), "waiting": len(self._told), "chat": len(self._audience),
            "said_this_hour": len(self._spoke), "per_hour": self.settings.per_hour,
            "resting": self._rests,
        }  # fmt: skip

    # what happens

    def process(self, port: str, frame: Speech | Transcript) -> None:
        if isinstance(frame, Transcript):
            self._audience.add(frame, self.ctx.clock.s())
            if frame.text:
                self._alone = 0
            self._plan()
            return
        self._speaking = frame.active
        self._somebody()

    def _event(self, event: Event) -> None:
        own = event.gen in self._own
        if event.name == "turn_begin" and event.trace < AUTONOMOUS:
            self._somebody()
        elif event.name in ("turn_done", "turn_cut", "turn_failed"):
            self._own.discard(event.gen)
            self._quiet_s = self.ctx.clock.s()
            self._plan()
            if own and event.name == "turn_cut" and event.code == "stopped by the user":
                self._alone = self.settings.alone  # "stop" means stop
        elif event.name == "joined":
            self._somebody()
            self._react("joined", self.settings.on_join)
        elif event.name == "viewer":
            self._react("viewer", self.settings.on_viewer.replace("{count}", str(round(event.value))))
        elif event.name == "others":  # in the same room
            self._quiet_s = self.ctx.clock.s()
            self._alone = 0 if event.code == "person" else self._alone
            self._plan()

    def _react(self, what: str, prompt: str) -> None:
        """Something happened; several of its kind that come together are one."""
        if prompt and self.active:
            self._happened[what] = prompt
            self._plan()

    def _somebody(self) -> None:
        """Somebody is there."""
        self._quiet_s = self.ctx.clock.s()
        self._alone = 0
        self._plan()

    def _plan(self) -> None:
        """Look again when something may be due; not at all while nothing can become so by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._closed and (self.active or self._told):
            self._timer = self.ctx.clock.at(self.ctx.clock.s() + max(0.0, min(self._wait_s(), LOOK_S)), self._due)

    def _look(self) -> None:
        """Speak if it is time to."""
        if self._wait_s() <= 0:
            self._begin(*self._next())
        self._plan()

    def _wait_s(self) -> float:
        """Until it may speak, as things are, s."""
        now = self.ctx.clock.s()
        if self._speaking or self.ctx.fence.turns or self.ctx.fence.elsewhere:
            return LOOK_S
        polite = self._quiet_s + self.settings.polite_s - now
        if self._told:
            return polite
        self._forget()
        if len(self._spoke) >= self.settings.per_hour:
            return LOOK_S
        gap = self._last_s + self.settings.gap_s - now if self._count else 0.0
        if self._audience:
            return max(polite, self._quiet_s + self.settings.chat_gap_s - now)
        if self._happened:
            return max(polite, gap)
        if self._rests:
            return LOOK_S
        reasons = []
        if self.settings.after_s:
            reasons.append(self._quiet_s + self.settings.after_s - now)
        if self.settings.every_s:
            reasons.append(self._last_s + self.settings.every_s - now)
        return max(polite, gap, min(reasons)) if reasons else LOOK_S

    @property
    def _rests(self) -> bool:
        return 0 < self.settings.alone <= self._alone

    def _begin(self, prompt: str, answered: Transcript | None) -> None:
        now = self.ctx.clock.s()
        self._last_s = self._quiet_s = now
        self._spoke.append(now)
        self._count += 1
        self._alone += 1
        trace = AUTONOMOUS + self._count
        gen = self.ctx.fence.begin(trace)
        self._own.add(gen)
        born = self.ctx.clock.ns()
        if answered is not None:
            self.ctx.count("chat_answered")
            self.emit("answers", replace(answered, gen=gen, trace=trace))
        fleeting = not self.settings.remember
        who = answered.who if answered is not None and not fleeting else ""
        frame = Transcript(text=prompt, who=who, aside=not who, fleeting=fleeting, final=True, born=born)
        self.emit("user", replace(frame, gen=gen, trace=trace))

    def _next(self) -> tuple[str, Transcript | None]:
        """What to do now: what it was told, what somebody wrote (and that message), what happened, or one of its own
        prompts."""
        if self._told:
            return self._told.popleft(), None
        if self._audience:
            message = self._audience.take()
            words = {"{name}": message.who or "somebody", "{text}": message.text}
            return re.sub(r"\{(name|text)\}", lambda found: words[found.group()], self.settings.chat_prompt), message
        if self._happened:
            return self._happened.pop(next(iter(self._happened))), None
        if not self._left:
            self._left = list(reversed(self.settings.prompts))
            if self.settings.shuffle:
                self._random.shuffle(self._left)
        return self._left.pop(), None

    def _stop_own(self) -> None:
        if any(turn.gen in self._own for turn in self.ctx.fence.turns):
            self.ctx.fence.cut("autonomous speech was switched off")

    def _forget(self) -> None:
        self._audience.forget(self.ctx.clock.s())
        while self._spoke and self._spoke[0] <= self.ctx.clock.s() - HOUR_S:
            self._spoke.popleft()

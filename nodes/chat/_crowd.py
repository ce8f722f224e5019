"""What of a chat is let through: nobody twice, nobody too often, nothing that is blocked; plain state."""

from __future__ import annotations

import re
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import Field, field_validator

from vaidol.graph.node import Settings

PAID, MENTION, QUESTION, OTHER = 3, 2, 1, 0  # rank of a message
SEEN = 2000  # ids and texts that are remembered
USERS = 5000  # people whose pace is remembered
MINUTE_S = 60.0
REPEAT_S = 60.0  # the same words of the same person within this are a repetition
HIDDEN = re.compile(r"[\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")


class ChatSettings(Settings):
    """What all chats have in common."""

    reply: bool = False
    """True: what the avatar has said in answer to a message is also written into the chat, as far as it was heard."""
    reply_gap_s: float = Field(2.0, ge=1.6, le=600)
    """At least so long between two messages it writes, s; Twitch allows 20 in 30 s."""
    reply_length: int = Field(0, ge=0, le=4000)
    """What it writes is cut to so many characters; 0 = as many as the platform takes."""
    mention: str = Field("", max_length=100)
    """Name the avatar goes by in the chat; messages that hold it come before others."""
    per_user: int = Field(4, ge=1, le=1000)
    """Messages of one person within a minute; more are dropped."""
    per_minute: int = Field(120, ge=1, le=100_000)
    """Messages of all within a minute; more are dropped, except paid ones."""
    block: list[str] = Field(default_factory=list, max_length=2000)
    """Regular expressions; messages and names in which one is found are dropped. Case does not matter."""
    block_users: list[str] = Field(default_factory=list, max_length=10_000)
    """Names or ids of people who are not heard, such as other bots."""
    length: int = Field(300, ge=1, le=4000)
    """Longer messages are cut, characters."""
    commands: bool = False
    """True: messages that begin with ! are let through too; they are mostly for bots."""

    @field_validator("block")
    @classmethod
    def _compiles(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'{pattern}' is no regular expression: {error}") from None
        return patterns


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a chat: `user` is the id of its author and never changes, `name` is shown."""

    id: str
    user: str
    name: str
    text: str
    paid: bool = False


class Crowd:
    """`judge` says which rank a message has, and None for one that is dropped. Bounded memory.

    `count` is told why one was dropped: repeated, blocked, hurried (its author writes too much) or crowded (all do).
    """

    def __init__(self, settings: ChatSettings, count: Callable[[str], None]) -> None:
        self._settings = settings
        self._count = count
        name = re.escape(settings.mention)  # as a word of its own, but scripts without spaces have none
        self._mention = re.compile(rf"(?<![A-Za-z0-9_]){name}(?![A-Za-z0-9_])", re.IGNORECASE) if name else None
        self._block = [re.compile(pattern, re.IGNORECASE) for pattern in settings.block]
        self._out = {name.casefold() for name in settings.block_users}
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._paces: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()

    def clean(self, said: Said) -> Said:
        """Without what cannot be seen, on one line, no longer than allowed."""
        text, name = visible(said.text)[: self._settings.length], visible(said.name)[:60]
        return Said(said.id, said.user, name or "Somebody", text, said.paid)

    def judge(self, said: Said, now_s: float) -> int | None:
        """The rank of a cleaned message at `now_s`."""
        if not said.text:
            return None
        if why := self._refuses(said, now_s):
            self._count(why)
            return None
        if not said.paid:
            self._paces[said.user].append(now_s)
            self._all.append(now_s)
        return self._rank(said)

    def _refuses(self, said: Said, now_s: float) -> str:
        """Why the message is dropped; "" where it is not."""
        if self._repeats(said, now_s):
            return "repeated"
        if self._blocked(said):
            return "blocked"
        pace = self._paces.setdefault(said.user, deque())
        self._paces.move_to_end(said.user)
        if len(self._paces) > USERS:
            self._paces.popitem(last=False)
        if not said.paid and _full(pace, self._settings.per_user, now_s):
            return "hurried"
        return "crowded" if not said.paid and _full(self._all, self._settings.per_minute, now_s) else ""

    def _rank(self, said: Said) -> int:
        if said.paid:
            return PAID
        if self._mention is not None and self._mention.search(said.text):
            return MENTION
        return QUESTION if said.text.rstrip(" !.)").endswith(("?", "？", "؟")) else OTHER

    def _repeats(self, said: Said, now_s: float) -> bool:
        """The same message again (a reconnect brings some twice), or the same words of the same person."""
        words = f"{said.user} {said.text.casefold()}"
        again = (bool(said.id) and said.id in self._seen) or now_s - self._seen.get(words, -REPEAT_S) < REPEAT_S
        for key in (said.id, words):
            if key:
                self._seen[key] = now_s
                self._seen.move_to_end(key)
        while len(self._seen) > 2 * SEEN:
            self._seen.popitem(last=False)
        return again

    def _blocked(self, said: Said) -> bool:
        if said.user.casefold() in self._out or said.name.casefold() in self._out:
            return True
        if said.text.startswith("!") and not self._settings.commands:
            return True
        return any(pattern.search(said.text) or pattern.search(said.name) for pattern in self._block)


def visible(text: str) -> str:
    """`text` on one line, without control characters and what else cannot be seen."""
    return " ".join(unicodedata.normalize("NFC", HIDDEN.sub(" ", text)).split())


def _full(times: deque[float], most: int, now_s: float) -> bool:
    """Whether `most` of `times` lie within the last minute; older ones are forgotten."""
    while times and times[0] <= now_s - MINUTE_S:
        times.popleft()
    return len(times) >= most

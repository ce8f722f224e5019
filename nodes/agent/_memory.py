"""What an agent remembers of a conversation: what the user said, and of its own replies only what was heard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypedDict

JOINS = "Hello!"  # stands for a user who has said nothing yet: some chat templates refuse an avatar that begins
KEEP = 0.6  # of the budget after forgetting: in rare large steps, so that the model's prompt cache mostly stays valid


class Message(TypedDict):
    """One message of a chat, as chat models take it."""

    role: Literal["system", "user", "assistant"]
    content: str


class _Entry:
    """One side's turn; `gen` is the generation it began or, of the avatar's, is; `n` its number in the talk."""

    __slots__ = ("gen", "n", "role", "said", "text")

    def __init__(self, role: Literal["user", "assistant"], text: str, gen: int, n: int) -> None:
        self.role: Literal["user", "assistant"] = role
        self.text = text
        self.said = ""  # what was made of a reply, heard or not
        self.gen = gen
        self.n = n


class Conversation:
    """The messages of one session. `budget`: characters of remembered talk, besides the head (prompt and examples).

    `hears`: somebody tells what was heard of the replies; until then all that was made of one counts.
    `note(n, role, text)`: told whenever the n-th turn has another text; an empty one: it is taken back.
    """

    def __init__(self, system: str, examples: Sequence[tuple[str, str]] = (), *, budget: int = 6000) -> None:
        self.head: list[Message] = [{"role": "system", "content": system}]
        for user, avatar in examples:
            self.head += [{"role": "user", "content": user}, {"role": "assistant", "content": avatar}]
        self.hears = False
        self.note: Callable[[int, str, str], None] | None = None
        self._budget = budget
        self._count = 0  # turns so far, also those forgotten
        self._past: list[_Entry] = []
        self._reply: _Entry | None = None  # the reply under way

    def go_on(self, other: Conversation) -> None:
        """Take over the talk that `other` remembers; the head stays."""
        self._past, self._reply, self.hears = list(other._past), other._reply, other.hears
        self._count = other._count
        self._trim(self._budget)

    def user(self, text: str, gen: int = 0) -> None:
        """The user said `text`, which asks for the reply `gen`. Texts in a row become one message."""
        if text:
            entry = self._entry("user", text[-self._budget :], gen)
            self._note(entry)
            self._trim(self._budget)

    def begin(self, gen: int) -> None:
        """The reply `gen` is being made; nothing of it has been heard yet."""
        self._close()
        self._reply = self._entry("assistant", "", gen)

    def said(self, text: str) -> None:
        """A piece of the reply under way was made."""
        if self._reply:
            self._reply.said += text

    def heard(self, gen: int, text: str) -> None:
        """`text` of reply `gen` was played to its end."""
        self.hears = True
        if self._reply and self._reply.gen == gen and text:
            self._reply.text = f"{self._reply.text} {text}".lstrip()
            self._note(self._reply)

    def end(self, gen: int) -> None:
        """The reply `gen` was played to its end."""
        self.hears = True
        if self._reply and self._reply.gen == gen:
            self._close()

    def cut(self, gen: int, heard: str) -> None:
        """The reply `gen` was interrupted: `heard` is exactly what was played of it."""
        if self._reply and self._reply.gen == gen:
            self._reply.text, self._reply.said = heard, ""
            self._close()

    def abandon(self, gen: int) -> None:
        """The user had not finished when the reply `gen` was begun: forget both; the whole will be said again."""
        self.cut(gen, "")
        for entry in self._past:
            if entry.gen == gen:
                entry.text = ""
                self._note(entry)
        self._past = [entry for entry in self._past if entry.gen != gen]

    def recall(self, turns: Iterable[tuple[int, Literal["user", "assistant"], str]]) -> None:
        """Remember these (n, role, text), the oldest first, instead of all there is; the next turns count on."""
        self._close()
        self._past = [_Entry(role, text[-self._budget :], 0, n) for n, role, text in turns]
        self._count = max((entry.n for entry in self._past), default=0)
        self._trim(self._budget)

    def shrink(self) -> bool:
        """Forget the older half; False when only the last thing said is left."""
        before = len(self._past)
        self._trim(sum(len(entry.text) for entry in self._past) // 2)
        return len(self._past) < before

    def messages(self, aside: str = "") -> list[Message]:
        """The head and what is remembered, the two sides taking turns; `aside` is said behind it, by nobody."""
        talk: list[Message] = []
        for entry in self._past:
            if talk and talk[-1]["role"] == entry.role:
                talk[-1]["content"] += f" {entry.text}"
            elif entry.text:
                talk.append({"role": entry.role, "content": entry.text})
        if talk and talk[0]["role"] == "assistant":
            talk.insert(0, {"role": "user", "content": JOINS})
        if aside and talk and talk[-1]["role"] == "user":
            talk[-1]["content"] += f" ({aside})"
        elif aside:
            talk.append({"role": "user", "content": f"({aside})"})
        return self.head + talk

    def _entry(self, role: Literal["user", "assistant"], text: str, gen: int) -> _Entry:
        self._count += 1
        entry = _Entry(role, text, gen, self._count)
        self._past.append(entry)
        return entry

    def _note(self, entry: _Entry) -> None:
        if self.note is not None:
            self.note(entry.n, entry.role, entry.text)

    def _close(self) -> None:
        """No reply is under way any more; one of which nothing was heard is forgotten."""
        reply, self._reply = self._reply, None
        if reply and not reply.text:
            reply.text = "" if self.hears else reply.said.strip()
        if reply:
            self._note(reply)
        self._past = [entry for entry in self._past if entry.text]

    def _trim(self, budget: int) -> None:
        """When more than `budget` characters are remembered, forget the oldest; what is left begins with the user."""
        size = sum(len(entry.text) for entry in self._past)
        if size <= budget:
            return
        last = max((at for at, entry in enumerate(self._past) if entry.role == "user"), default=0)
        while last and (size > budget * KEEP or self._past[0].role == "assistant"):
            size -= len(self._past.pop(0).text)
            last -= 1

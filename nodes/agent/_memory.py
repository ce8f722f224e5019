"""What an agent remembers of a conversation: what the user said, and of its own replies only what was heard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NotRequired, TypedDict

from vaidol.nodes.agent._tokens import MESSAGE, Tokens
from vaidol.nodes.agent._tools import Round

JOINS = "Hello!"  # stands for a user who has said nothing yet: some chat templates refuse an avatar that begins
KEEP = 0.6  # of the budget after forgetting: in rare large steps, so that the model's prompt cache mostly stays valid
RIPE = 0.8  # of the budget: from here on the oldest is summarised, so that it is done before anything must go
NOTE_MOST = 0.25  # of the budget, for the summary
NOTE = "(Said earlier: {})"
ASKS = (
    "(This is not part of the conversation, and you need not play your role in it. Note in at most 80 words what was "
    "said above that will matter later: names, facts, wishes, promises, open questions. Write in the language of the "
    "conversation, and nothing but the notes.)"
)


class Message(TypedDict):
    """One message of a chat, as chat models take it. rounds: of tools, before what the avatar said."""

    role: Literal["system", "user", "assistant"]
    content: str
    rounds: NotRequired[list[Round]]


class _Entry:
    """One side's turn; `gen` is the generation it began or, of the avatar's, is; `n` its number in the talk."""

    __slots__ = ("gen", "n", "role", "rounds", "said", "text")

    def __init__(self, role: Literal["user", "assistant"], text: str, gen: int, n: int) -> None:
        self.role: Literal["user", "assistant"] = role
        self.text = text
        self.said = ""  # what was made of a reply, heard or not
        self.rounds: list[Round] = []  # of tools, and what they answered, shortened
        self.gen = gen
        self.n = n


class Conversation:
    """The messages of one session. `budget`: tokens of remembered talk, besides the head (prompt and examples).

    `summarises`: what is forgotten waits, within bounds, until a summary stands for it.
    `tools`: the model may call some, and so it is told what it called before, and what came of it.
    `hears`: somebody tells what was heard of the replies; until then all that was made of one counts.
    `note(n, role, text)`: told whenever the n-th turn has another text; an empty one: it is taken back.
    """

    def __init__(self, system: str, examples: Sequence[tuple[str, str]] = (), *, budget: int = 2000) -> None:
        self.head: list[Message] = [{"role": "system", "content": system}]
        for user, avatar in examples:
            self.head += [{"role": "user", "content": user}, {"role": "assistant", "content": avatar}]
        self.hears = False
        self.tools = False
        self.note: Callable[[int, str, str], None] | None = None
        self.summarises = False
        self.summary = ""  # of what is no longer there
        self.tokens = Tokens()
        self._budget = budget
        self._count = 0  # turns so far, also those forgotten
        self._gone: list[_Entry] = []  # forgotten, and not in the summary
        self._past: list[_Entry] = []
        self._reply: _Entry | None = None  # the reply under way

    @property
    def oldest(self) -> int:
        """The number of the first turn that is still remembered word by word."""
        return self._past[0].n if self._past else self._count + 1

    @property
    def settled(self) -> int:
        """The number of the last turn that can no longer be taken back."""
        if self._reply is None:
            return self._count
        return min(entry.n for entry in (*self._past, self._reply) if entry.gen == self._reply.gen) - 1

    def go_on(self, other: Conversation) -> None:
        """Take over the talk that `other` remembers; the head stays."""
        self._past, self._reply, self.hears = list(other._past), other._reply, other.hears
        self._count = other._count
        self.summary, self._gone = other.summary, list(other._gone)
        self._trim(self._budget)

    def user(self, text: str, gen: int = 0, *, noted: bool = True) -> None:
        """The user said `text`, which asks for the reply `gen`. Texts in a row become one message.

        `noted` False: somebody else did, whose words do not belong into what is kept of the user's.
        """
        if text:
            entry = self._entry("user", self.tokens.end(text, self._budget - MESSAGE), gen)
            if noted:
                self._note(entry)
            self._trim(self._budget)

    def begin(self, gen: int, *, fleeting: bool = False) -> None:
        """The reply `gen` is being made; nothing of it has been heard yet. `fleeting`: it is not remembered."""
        self._close()
        self._trim(self._budget)
        self._reply = None if fleeting else self._entry("assistant", "", gen)

    def said(self, text: str) -> None:
        """A piece of the reply under way was made."""
        if self._reply:
            self._reply.said += text

    def used(self, gen: int, work: Round, most: int) -> None:
        """In the reply `gen`, tools have answered; up to `most` tokens of each answer are remembered."""
        if self._reply and self._reply.gen == gen:
            results = [self.tokens.beginning(result, most) for result in work.results]
            self._reply.rounds.append(Round("", work.calls, results))  # its text is heard like all other

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
        self.summary, self._gone = "", []
        self._past = [_Entry(role, self.tokens.end(text, self._budget - MESSAGE), 0, n) for n, role, text in turns]
        self._count = max((entry.n for entry in self._past), default=0)
        self._trim(self._budget)

    def shrink(self) -> bool:
        """Forget the older half; False when only the last thing said is left."""
        before = len(self._past)
        self._forget(self._size() / 2)
        return len(self._past) < before

    def fading(self) -> list[_Entry]:
        """What should be summarised now, the oldest first; nothing, when there is room."""
        if not self._gone and self._size() <= self._budget * RIPE:
            return []
        return [entry for entry in self._gone + self._past[: self._oldest(self._budget * KEEP)] if entry.text]

    def asks(self, old: Sequence[_Entry]) -> list[Message]:
        """The messages that ask for a summary of `old`: a head as ever, so that the prompt cache serves here too."""
        return self._told(old, ASKS)

    def fade(self, old: Sequence[_Entry], summary: str) -> bool:
        """Let `summary` stand for `old` and for the summary before. False: they are not what is remembered any more."""
        there = {id(entry) for entry in self._gone + self._past}
        if not old or id(old[-1]) not in there:
            return False
        done = {id(entry) for entry in old}
        self._gone = [entry for entry in self._gone if id(entry) not in done]
        self._past = [entry for entry in self._past if id(entry) not in done]
        self.summary = self.tokens.beginning(summary, self._budget * NOTE_MOST - MESSAGE - self.tokens.count(NOTE))
        self._trim(self._budget)
        return True

    def aside(self, asks: str) -> list[Message]:
        """The messages that ask for something beside the conversation."""
        return self._told(self._past, asks)

    def messages(self, aside: str = "") -> list[Message]:
        """The head and what is remembered, the two sides taking turns; `aside` is said behind it, by nobody."""
        return self._told(self._past, f"({aside})" if aside else "")

    def _told(self, entries: Sequence[_Entry], last: str) -> list[Message]:
        talk: list[Message] = []
        for entry in entries:
            rounds = entry.rounds if self.tools else []
            if talk and talk[-1]["role"] == entry.role and not rounds:
                talk[-1]["content"] += f" {entry.text}" if talk[-1]["content"] else entry.text
            elif rounds:
                talk.append({"role": entry.role, "content": entry.text, "rounds": rounds})
            elif entry.text:
                talk.append({"role": entry.role, "content": entry.text})
        if talk and talk[0]["role"] == "assistant":
            talk.insert(0, {"role": "user", "content": JOINS})
        if self.summary and talk:
            talk[0]["content"] = f"{NOTE.format(self.summary)} {talk[0]['content']}"
        if last and talk and talk[-1]["role"] == "user":
            talk[-1]["content"] += f" {last}"
        elif last:
            talk.append({"role": "user", "content": last})
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
        self._past = [entry for entry in self._past if entry.text or entry.rounds]

    def _trim(self, budget: float) -> None:
        """Remember no more than `budget` tokens: forget the oldest, and when the last words alone have more, the
        beginning of these."""
        self._forget(budget)
        for entry in self._past:
            if self._size() > budget and entry is not self._reply:
                entry.rounds = []  # rather than words
        for entry in self._past:
            if (over := self._size() - budget) <= 0:
                return
            if entry is not self._reply:  # it is still being heard
                entry.text = self.tokens.end(entry.text, self.tokens.count(entry.text) - over)

    def _forget(self, budget: float) -> None:
        """When more than `budget` tokens are remembered, forget the oldest; what is left begins with the user."""
        if self._size() <= budget:
            return
        at = self._oldest(budget * KEEP)
        if self.summarises:
            self._gone += self._past[:at]
            while self._gone and sum(map(self._weigh, self._gone)) > self._budget / 2:
                self._gone.pop(0)
        self._past = self._past[at:]

    def _oldest(self, budget: float) -> int:
        """How many of the oldest have to go to leave no more than `budget`: never the last thing the user said."""
        last = max((at for at, entry in enumerate(self._past) if entry.role == "user"), default=0)
        size, at = self._size(), 0
        while at < last and (size > budget or self._past[at].role == "assistant") and self._past[at] is not self._reply:
            size -= self._weigh(self._past[at])
            at += 1
        return at

    def _size(self) -> float:
        """Tokens of what is remembered, the summary included."""
        note = self.tokens.count(NOTE + self.summary) if self.summary else 0.0
        return note + sum(map(self._weigh, self._past))

    def _weigh(self, entry: _Entry) -> float:
        told = [text for work in entry.rounds for text in (*(call.arguments for call in work.calls), *work.results)]
        return sum(map(self.tokens.count, (entry.text, *told))) + MESSAGE * (1 + len(told))

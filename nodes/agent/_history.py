"""Conversations in an SQLite file, by user and persona: list, search by words, read, rename, delete; what to recall.

Every call blocks and belongs on the pool `POOL`, one at a time. A line is written in one transaction, so that a process
that is killed leaves a file without half a line. Nothing is found without the user whose it is.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vaidol.nodes.agent._history_file import (
    NOW,
    HistoryDamaged,
    HistoryError,
    HistoryFile,
    apart,
    clean,
    owner,
    remember,
)
from vaidol.nodes.agent._meaning import Meaning
from vaidol.nodes.agent._memos import Memos

__all__ = ["POOL", "TITLE_MAX", "Chat", "History", "HistoryDamaged", "HistoryError", "Line", "Recorder", "search"]
POOL = "history"
TITLE, TITLE_MAX = 60, 200  # characters of one made here, of one that is given
LISTED = 200  # conversations at most
READ = 20_000  # lines at most
WORDS = 32  # of a search
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of one side as it stands: `n` orders those of a chat; no text: it is taken back."""

    chat: str
    user: str
    persona: str
    n: int
    role: str  # user or assistant
    text: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation in a list. `lines`: how many; `found`: the beginning of a line with what was searched."""

    id: str
    persona: str
    title: str
    began: str
    changed: str
    lines: int
    found: str = ""

    def told(self) -> dict[str, Any]:
        return asdict(self)


class History:
    """The file at `path`, made on first use and readable by its owner alone. All methods raise `HistoryError`.

    memos: what may be recalled; meaning: what tells what lines mean, None: they are compared by their words.
    """

    def __init__(self, path: Path, meaning: Meaning | None = None) -> None:
        self.path = path
        self.meaning = meaning
        self._file = HistoryFile(path)
        self.memos = Memos(self._file)

    def write(self, lines: Sequence[Line]) -> None:
        """Put down `lines`; those that are there already are replaced, and taken out when they have no text."""
        with self._file.work() as db:
            for line in lines:
                key = (line.chat, line.n)
                if not line.text:
                    db.execute("DELETE FROM word WHERE rowid IN (SELECT id FROM line WHERE chat = ? AND n = ?)", key)
                    db.execute("DELETE FROM line WHERE chat = ? AND n = ?", key)
                    continue
                title = clean(line.text)[:TITLE] if line.role == "user" else ""
                db.execute(
                    "INSERT INTO chat (id, user, persona, title) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                    f" changed = {NOW}, title = iif(title = '', excluded.title, title)",
                    (line.chat, line.user, line.persona, title),
                )
                (row,) = db.execute(
                    "INSERT INTO line (chat, n, role, text) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET text = excluded.text RETURNING id",
                    (*key, line.role, clean(line.text)),
                ).fetchone()
                words = (row, owner(line.user), apart(line.text))
                db.execute("INSERT OR REPLACE INTO word (rowid, owner, text) VALUES (?, ?, ?)", words)
                if line.role == "user":
                    remember(db, row, clean(line.user), clean(line.persona), clean(line.text))

    def chats(self, user: str, persona: str = "", query: str = "") -> list[Chat]:
        """Conversations of `user`, the newest first; with `query`, those in which a line has all its words."""
        wanted = search(query)
        if query.strip() and not wanted:
            return []
        where = ["chat.user = :user", *(["chat.persona = :persona"] if persona else [])]
        found = "substr(min(line.text), 1, 200)" if wanted else "''"
        if wanted:
            where.append("line.id IN (SELECT rowid FROM word WHERE word MATCH :words)")
        with self._file.work() as db:
            rows = db.execute(
                "SELECT chat.id, persona, title, began, changed,"
                f" (SELECT count(*) FROM line AS every WHERE every.chat = chat.id), {found}"
                f" FROM chat JOIN line ON line.chat = chat.id WHERE {' AND '.join(where)}"
                f" GROUP BY chat.id ORDER BY changed DESC LIMIT {LISTED}",
                {"user": clean(user), "persona": clean(persona), "words": f"owner : {owner(user)} AND {wanted}"},
            ).fetchall()
        return [Chat(*row) for row in rows]

    def read(self, user: str, chat: str) -> tuple[Chat, list[Line]] | None:
        """One conversation; None where `user` has none of that id."""
        with self._file.work() as db:
            row = db.execute(
                "SELECT id, persona, title, began, changed, (SELECT count(*) FROM line WHERE line.chat = chat.id)"
                " FROM chat WHERE id = ? AND user = ?",
                (clean(chat), clean(user)),
            ).fetchone()
            if row is None:
                return None
            lines = db.execute(
                f"SELECT n, role, text FROM line WHERE chat = ? ORDER BY n LIMIT {READ}", (row[0],)
            ).fetchall()
        return Chat(*row), [Line(row[0], user, row[1], *line) for line in lines]

    def rename(self, user: str, chat: str, title: str) -> bool:
        """False where `user` has none of that id."""
        with self._file.work() as db:
            values = (clean(title)[:TITLE_MAX], clean(chat), clean(user))
            return db.execute("UPDATE chat SET title = ? WHERE id = ? AND user = ?", values).rowcount > 0

    def delete(self, user: str, chat: str) -> bool:
        """Take a conversation out of the file, its words and the facts found in it as well. False where `user` has none
        of that id."""
        return self._delete("chat.id = ? AND user = ?", (clean(chat), clean(user))) > 0

    def forget(self, user: str) -> int:
        """Take all conversations of `user`, and all that is known of them, out of the file. Returns how many there
        were."""
        with self._file.work() as db:
            db.execute("DELETE FROM memo WHERE user = ?", (clean(user),))
        return self._delete("user = ?", (clean(user),))

    def sweep(self, days: float, megabytes: float) -> int:
        """Delete conversations that nobody has gone on with for `days`, and the oldest beyond `megabytes`; 0 = never.
        The facts found in them stay. Returns how many went."""
        gone = 0
        if days:
            gone += self._delete(f"julianday({NOW}) - julianday(changed) > ?", (days,), facts=False)
        while megabytes and self._megabytes() > megabytes:
            oldest = "chat.id IN (SELECT id FROM chat ORDER BY changed LIMIT max(1, (SELECT count(*) FROM chat) / 10))"
            if not (went := self._delete(oldest, (), facts=False)):
                break
            gone += went
        return gone

    def check(self) -> None:
        """Whether the file is whole; half a second for 100 MB."""
        self._file.check()

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        self._file.close()

    def _delete(self, where: str, values: Sequence[str | float], *, facts: bool = True) -> int:
        lines = f"(SELECT line.id FROM line JOIN chat ON chat.id = line.chat WHERE {where})"
        with self._file.work(wipe=True) as db:
            if not facts:
                db.execute(f"UPDATE memo SET line = NULL WHERE key != '' AND line IN {lines}", values)
            db.execute(f"DELETE FROM word WHERE rowid IN {lines}", values)
            db.execute(f"DELETE FROM line WHERE id IN {lines}", values)  # and, with them, what is recalled of them
            return db.execute(f"DELETE FROM chat WHERE {where}", values).rowcount

    def _megabytes(self) -> float:
        """What is in use of the file."""
        with self._file.work(transaction=False) as db:
            pages, free, size = (
                db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
            )
        return float((pages - free) * size / MEGABYTE)


class Recorder:
    """What one session adds to a history: lines wait here until they are written. `user`: empty until the client has
    told; nothing is written for nobody."""

    MOST = 256  # lines that wait; the oldest are given up

    def __init__(self, history: History) -> None:
        self.history = history
        self.user = ""
        self._chats: dict[str, str] = {}  # who speaks -> chat
        self._waiting: dict[tuple[str, int], tuple[str, str, str]] = {}  # chat, n -> persona, role, text

    def note(self, who: str, persona: str, n: int, role: str, text: str) -> None:
        """The line `n` of the talk with `who` is now `text`."""
        chat = self._chats.setdefault(who, secrets.token_hex(12))
        self._waiting.pop((chat, n), None)
        self._waiting[chat, n] = (persona, role, text)
        if len(self._waiting) > self.MOST:
            self._waiting.pop(next(iter(self._waiting)))

    def waiting(self) -> list[Line]:
        """What is to be written."""
        if not self.user:
            return []
        return [
            Line(chat, self.user, persona, n, role, text) for (chat, n), (persona, role, text) in self._waiting.items()
        ]

    def written(self, lines: Sequence[Line]) -> None:
        """These are safe; what has changed since goes on waiting."""
        for line in lines:
            key = (line.chat, line.n)
            if self._waiting.get(key) == (line.persona, line.role, line.text):
                del self._waiting[key]

    def chat(self, who: str) -> str:
        """The chat with `who`; "" when nothing was said yet."""
        return self._chats.get(who, "")

    def go_on(self, who: str, chat: str) -> None:
        """What `who` says from now on belongs to `chat`."""
        self._chats[who] = chat


def search(query: str) -> str:
    """What somebody typed as a query of FTS5: all words, each as a beginning, and no operators; "" for no words."""
    words = re.findall(r"\w+", clean(query))[:WORDS]
    listed = " AND ".join(f'"{apart(word).strip()}"*' for word in words)
    return f"text : ({listed})" if words else ""

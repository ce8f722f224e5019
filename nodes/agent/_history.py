"""Conversations in an SQLite file, by user and persona: list, search by words, read, rename, delete.

Every call blocks and belongs on the pool `POOL`, one at a time. A line is written in one transaction, so that a process
that is killed leaves a file without half a line. Nothing is found without the user whose it is.
"""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vaidol.nodes.agent._recall import UNSPACED, best, terms

POOL = "history"
VERSION = 1
BUSY_S = 3.0  # wait for another process that writes
TITLE, TITLE_MAX = 60, 200  # characters of one made here, of one that is given
LISTED = 200  # conversations at most
READ = 20_000  # lines at most
COMPARED = 400  # lines that may be recalled
WORDS = 32  # of a search
NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
TABLES = f"""
CREATE TABLE chat (id TEXT PRIMARY KEY, user TEXT NOT NULL, persona TEXT NOT NULL, title TEXT NOT NULL DEFAULT '',
  began TEXT NOT NULL DEFAULT ({NOW}), changed TEXT NOT NULL DEFAULT ({NOW})) WITHOUT ROWID;
CREATE INDEX chat_user ON chat (user, changed);
CREATE TABLE line (id INTEGER PRIMARY KEY, chat TEXT NOT NULL REFERENCES chat (id), n INTEGER NOT NULL,
  role TEXT NOT NULL, text TEXT NOT NULL, said TEXT NOT NULL DEFAULT ({NOW}), UNIQUE (chat, n));
CREATE VIRTUAL TABLE word USING fts5 (owner, text, tokenize = 'unicode61 remove_diacritics 2');
PRAGMA user_version = {VERSION};
"""
APART = re.compile(f"([{UNSPACED}])")


class HistoryError(Exception):
    """The file cannot be used; the text says which and why."""


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
    """The file at `path`, made on first use and readable by its owner alone. All methods raise `HistoryError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None

    def write(self, lines: Sequence[Line]) -> None:
        """Put down `lines`; those that are there already are replaced, and taken out when they have no text."""
        with self._work() as db:
            for line in lines:
                key = (line.chat, line.n)
                if not line.text:
                    db.execute("DELETE FROM word WHERE rowid IN (SELECT id FROM line WHERE chat = ? AND n = ?)", key)
                    db.execute("DELETE FROM line WHERE chat = ? AND n = ?", key)
                    continue
                title = _clean(line.text)[:TITLE] if line.role == "user" else ""
                db.execute(
                    "INSERT INTO chat (id, user, persona, title) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                    f" changed = {NOW}, title = iif(title = '', excluded.title, title)",
                    (line.chat, line.user, line.persona, title),
                )
                (row,) = db.execute(
                    "INSERT INTO line (chat, n, role, text) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET text = excluded.text RETURNING id",
                    (*key, line.role, _clean(line.text)),
                ).fetchone()
                words = (row, _owner(line.user), _apart(line.text))
                db.execute("INSERT OR REPLACE INTO word (rowid, owner, text) VALUES (?, ?, ?)", words)

    def chats(self, user: str, persona: str = "", query: str = "") -> list[Chat]:
        """Conversations of `user`, the newest first; with `query`, those in which a line has all its words."""
        wanted = search(query)
        if query.strip() and not wanted:
            return []
        where = ["chat.user = :user", *(["chat.persona = :persona"] if persona else [])]
        found = "substr(min(line.text), 1, 200)" if wanted else "''"
        if wanted:
            where.append("line.id IN (SELECT rowid FROM word WHERE word MATCH :words)")
        with self._work() as db:
            rows = db.execute(
                "SELECT chat.id, persona, title, began, changed,"
                f" (SELECT count(*) FROM line AS every WHERE every.chat = chat.id), {found}"
                f" FROM chat JOIN line ON line.chat = chat.id WHERE {' AND '.join(where)}"
                f" GROUP BY chat.id ORDER BY changed DESC LIMIT {LISTED}",
                {"user": _clean(user), "persona": _clean(persona), "words": f"owner : {_owner(user)} AND {wanted}"},
            ).fetchall()
        return [Chat(*row) for row in rows]

    def recall(self, user: str, persona: str, but: str, said: str, most: int) -> list[str]:
        """What `user` told `persona` in chats other than `but`, and what belongs to `said`: up to `most` lines."""
        words = " OR ".join(f'"{_apart(term).strip()}"' for term in terms(_clean(said)))
        if not words:
            return []
        with self._work() as db:
            rows = db.execute(
                "SELECT line.text FROM word JOIN line ON line.id = word.rowid JOIN chat ON chat.id = line.chat"
                " WHERE word MATCH ? AND user = ? AND persona = ? AND chat.id != ? AND role = 'user'"
                f" ORDER BY word.rowid DESC LIMIT {COMPARED}",
                (f"owner : {_owner(user)} AND text : ({words})", _clean(user), _clean(persona), but),
            ).fetchall()
        return best(said, (text for (text,) in rows), most)

    def read(self, user: str, chat: str) -> tuple[Chat, list[Line]] | None:
        """One conversation; None where `user` has none of that id."""
        with self._work() as db:
            row = db.execute(
                "SELECT id, persona, title, began, changed, (SELECT count(*) FROM line WHERE line.chat = chat.id)"
                " FROM chat WHERE id = ? AND user = ?",
                (_clean(chat), _clean(user)),
            ).fetchone()
            if row is None:
                return None
            lines = db.execute(
                f"SELECT n, role, text FROM line WHERE chat = ? ORDER BY n LIMIT {READ}", (row[0],)
            ).fetchall()
        return Chat(*row), [Line(row[0], user, row[1], *line) for line in lines]

    def rename(self, user: str, chat: str, title: str) -> bool:
        """False where `user` has none of that id."""
        with self._work() as db:
            values = (_clean(title)[:TITLE_MAX], _clean(chat), _clean(user))
            return db.execute("UPDATE chat SET title = ? WHERE id = ? AND user = ?", values).rowcount > 0

    def delete(self, user: str, chat: str) -> bool:
        """Take a conversation out of the file, its words as well. False where `user` has none of that id."""
        key = (_clean(chat), _clean(user))
        lines = "(SELECT line.id FROM line JOIN chat ON chat.id = line.chat WHERE chat.id = ? AND user = ?)"
        with self._work() as db:
            db.execute(f"DELETE FROM word WHERE rowid IN {lines}", key)
            db.execute(f"DELETE FROM line WHERE id IN {lines}", key)
            gone = db.execute("DELETE FROM chat WHERE id = ? AND user = ?", key).rowcount > 0
            db.execute("INSERT INTO word (word) VALUES ('optimize')")  # or its words stay in the index for a while
        with self._work(transaction=False) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        if self._db is not None:
            self._db.close()
            self._db = None

    @contextmanager
    def _work(self, *, transaction: bool = True) -> Iterator[sqlite3.Connection]:
        try:
            if self._db is None:
                self._db = self._open()
            if not transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:  # commits, or takes all of it back
                yield self._db
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(f"the history {self.path} cannot be used: {error}") from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON", "foreign_keys = ON"):
                db.execute(f"PRAGMA {pragma}")
            db.execute("BEGIN IMMEDIATE")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise HistoryError(f"the history {self.path} was made by a newer vaidol; update this one")
            if version == 0:
                for statement in TABLES.split(";"):
                    db.execute(statement)
            db.execute("COMMIT")
        except (sqlite3.Error, HistoryError):
            db.close()
            raise
        return db


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
    words = re.findall(r"\w+", _clean(query))[:WORDS]
    listed = " AND ".join(f'"{_apart(word).strip()}"*' for word in words)
    return f"text : ({listed})" if words else ""


def _owner(user: str) -> str:
    """One word of the index that stands for a user: others' lines are not even looked at."""
    return f"u{_clean(user).encode().hex()}"


def _apart(text: str) -> str:
    """The text for the index: scripts without spaces are cut into characters, so that parts of it are found."""
    return APART.sub(r" \1 ", _clean(text))


def _clean(text: str) -> str:
    """Without what SQLite cannot keep: half characters and NUL."""
    return text.encode(errors="replace").decode().replace("\0", " ")

"""The SQLite file of what was said: opened, checked, brought up to date, and every piece of work on it a transaction.

chat: a conversation of one user with one persona. line: what one side said in a turn; `looked`: for facts. memo: what
may be recalled later, a line of the user (key '') or a fact found in one; `vector`: what it means, int8, made later.
word: the index behind the search on the page, by beginnings of words. sense: that behind the recall, by stems of words.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaidol.nodes.agent._recall import UNSPACED, recallable

VERSION = 2
BUSY_S = 3.0  # wait for another process that writes
NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
FIRST = f"""
CREATE TABLE chat (id TEXT PRIMARY KEY, user TEXT NOT NULL, persona TEXT NOT NULL, title TEXT NOT NULL DEFAULT '',
  began TEXT NOT NULL DEFAULT ({NOW}), changed TEXT NOT NULL DEFAULT ({NOW})) WITHOUT ROWID;
CREATE INDEX chat_user ON chat (user, changed);
CREATE TABLE line (id INTEGER PRIMARY KEY, chat TEXT NOT NULL REFERENCES chat (id), n INTEGER NOT NULL,
  role TEXT NOT NULL, text TEXT NOT NULL, said TEXT NOT NULL DEFAULT ({NOW}), UNIQUE (chat, n));
CREATE VIRTUAL TABLE word USING fts5 (owner, text, tokenize = 'unicode61 remove_diacritics 2')
"""
SECOND = f"""
ALTER TABLE line ADD COLUMN looked INTEGER NOT NULL DEFAULT 0;
CREATE INDEX line_new ON line (chat) WHERE looked = 0 AND role = 'user';
CREATE TABLE memo (id INTEGER PRIMARY KEY, user TEXT NOT NULL, persona TEXT NOT NULL, key TEXT NOT NULL,
  text TEXT NOT NULL, said TEXT NOT NULL, line INTEGER REFERENCES line (id) ON DELETE CASCADE, vector BLOB,
  since TEXT NOT NULL DEFAULT ({NOW}));
CREATE UNIQUE INDEX memo_line ON memo (line) WHERE key = '';
CREATE UNIQUE INDEX memo_fact ON memo (user, persona, key) WHERE key != '';
CREATE INDEX memo_user ON memo (user, persona);
CREATE INDEX memo_from ON memo (line);
CREATE INDEX memo_new ON memo (user, persona) WHERE vector IS NULL;
CREATE VIRTUAL TABLE sense USING fts5 (owner, text, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE TRIGGER memo_gone AFTER DELETE ON memo BEGIN DELETE FROM sense WHERE rowid = old.id; END
"""
APART = re.compile(f"([{UNSPACED}])")


class HistoryError(Exception):
    """The file cannot be used; the text says which, why, and the way out."""


class HistoryDamaged(HistoryError):
    """What is in the file makes no sense."""


class HistoryFile:
    """The file at `path`, made on first use and readable by its owner alone. All methods raise `HistoryError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None

    def check(self) -> None:
        """Read the whole structure of the file: half a second for 100 MB."""
        with self.work(transaction=False) as db:
            (told,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if told != "ok":
                raise sqlite3.DatabaseError(" ".join(str(told).split()))

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        if self._db is not None:
            self._db.close()
            self._db = None

    @contextmanager
    def work(self, *, transaction: bool = True, wipe: bool = False) -> Iterator[sqlite3.Connection]:
        """Work on the file, all of it or nothing; `wipe`: what is deleted leaves nothing behind, in no file."""
        try:
            if self._db is None:
                self._db = self._open()
            if not transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:  # commits, or takes all of it back
                yield self._db
                for index in ("word", "sense") if wipe else ():  # or words stay in the index for a while
                    self._db.execute(f"INSERT INTO {index} ({index}) VALUES ('optimize')")
            if wipe:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (sqlite3.Error, OSError) as error:
            raise self._wrong(error) from error

    def _wrong(self, error: sqlite3.Error | OSError) -> HistoryError:
        damaged = type(error) is sqlite3.DatabaseError  # those derived from it are about other things
        if damaged and "not a database" in str(error):
            said = f"the history {self.path} cannot be used: {error}; name another file, or move this one away"
            return HistoryError(said)
        if damaged:
            return HistoryDamaged(
                f"the history {self.path} is damaged: {error}; move it away, and a new one is begun"
                f" (`sqlite3 {self.path} .recover` may save what is in it)"
            )
        return HistoryError(f"the history {self.path} cannot be used: {error}")

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
                raise HistoryError(
                    f"the history {self.path} was made by a newer vaidol (version {version} of the file, this one knows"
                    f" {VERSION}): update this one, or name another file"
                )
            if version < VERSION:
                _migrate(db, version)
            db.execute("COMMIT")
        except (sqlite3.Error, HistoryError):
            db.close()
            raise
        return db


def _migrate(db: sqlite3.Connection, version: int) -> None:
    """Bring a file of `version` (0: an empty one) up to date, within the transaction of `db`."""
    for made_by, statements in enumerate((FIRST, SECOND)):
        if version <= made_by:
            for statement in statements.split(";\n"):  # within a trigger, a semicolon ends no line
                db.execute(statement)
    if version == 1:
        told = db.execute(
            "SELECT line.id, user, persona, text FROM line JOIN chat ON chat.id = line.chat WHERE role = 'user'"
        )
        for line, user, persona, text in told.fetchall():
            remember(db, line, user, persona, text)
    db.execute(f"PRAGMA user_version = {VERSION}")


def remember(db: sqlite3.Connection, line: int, user: str, persona: str, text: str) -> None:
    """Let what the user said in `line` be recalled, or not any more where it is not worth it."""
    if not recallable(text):
        db.execute("DELETE FROM memo WHERE line = ? AND key = ''", (line,))
        return
    (memo,) = db.execute(
        "INSERT INTO memo (user, persona, key, text, said, line) VALUES (?, ?, '', ?, '', ?)"
        " ON CONFLICT (line) WHERE key = '' DO UPDATE SET text = excluded.text, vector = NULL RETURNING id",
        (user, persona, text, line),
    ).fetchone()
    index(db, memo, user, text)


def index(db: sqlite3.Connection, memo: int, user: str, text: str) -> None:
    """Let `memo` be found by the words of `text`."""
    db.execute("INSERT OR REPLACE INTO sense (rowid, owner, text) VALUES (?, ?, ?)", (memo, owner(user), apart(text)))


def owner(user: str) -> str:
    """One word of the indexes that stands for a user: others' lines are not even looked at."""
    return f"u{clean(user).encode().hex()}"


def apart(text: str) -> str:
    """The text for the indexes: scripts without spaces are cut into characters, so that parts of it are found."""
    return APART.sub(r" \1 ", clean(text))


def clean(text: str) -> str:
    """Without what SQLite cannot keep: half characters and NUL."""
    return text.encode(errors="replace").decode().replace("\0", " ")

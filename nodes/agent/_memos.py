"""What may be recalled of a user, in the history's file: lines and facts, found by words and by meaning.

Every call blocks and belongs on the history's pool. Nothing is found without the user and the persona whose it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vaidol.nodes.agent._history_file import NOW, HistoryFile, apart, clean, index, owner
from vaidol.nodes.agent._meaning import nearest
from vaidol.nodes.agent._recall import Recalled, fused, terms

CANDIDATES = 50  # of each ranking
COMPARED = 5000  # vectors, the newest
LISTED = 1000  # facts
SAID = 200  # characters of what a fact was found in
LATER = "(line IS NULL OR line NOT IN (SELECT id FROM line WHERE chat = :chat AND n >= :since))"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in a line: `text` is true of the user from now on, instead of what had the same `key`.

    text: in the third person, such as "lives in Oslo"; empty: what had that key is not true any more, where it has the
    words `denied`. said: what was said.
    """

    key: str
    text: str
    said: str
    denied: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as the user sees it, and the `key` it is known by here."""

    id: int
    persona: str
    text: str
    said: str
    since: str
    key: str

    def told(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "key"}


class Memos:
    """See the file's first sentence."""

    def __init__(self, file: HistoryFile) -> None:
        self._file = file

    def any(self, user: str, persona: str) -> bool:
        """Whether there is anything to recall at all."""
        with self._file.work(transaction=False) as db:
            asked = "SELECT 1 FROM memo WHERE user = ? AND persona = ? LIMIT 1"
            return db.execute(asked, (clean(user), clean(persona))).fetchone() is not None

    def recall(
        self,
        user: str,
        persona: str,
        said: str,
        most: int,
        *,
        vector: bytes = b"",
        words: bool = True,
        chat: str = "",
        since: int = 0,
    ) -> list[Recalled]:
        """Up to `most` of what `user` told `persona` that belongs to `said`, the closest first.

        vector: what `said` means; words: compare these, too. Lines of `chat` from the number `since` on are left out:
        they are before the model.
        """
        who = {"user": clean(user), "persona": clean(persona), "chat": chat, "since": since}
        wanted = " OR ".join(f'"{apart(term).strip()}"' for term in terms(clean(said)))
        if not wanted:  # a mere "hello" is near to many things
            return []
        with self._file.work(transaction=False) as db:
            named: list[int] = []
            near: list[int] = []
            if words:
                rows = db.execute(
                    "SELECT memo.id FROM sense JOIN memo ON memo.id = sense.rowid WHERE sense MATCH :words"
                    f" AND user = :user AND persona = :persona AND {LATER}"
                    f" ORDER BY bm25(sense, 0.0, 1.0), memo.id DESC LIMIT {CANDIDATES}",
                    {**who, "words": f"owner : {owner(user)} AND text : ({wanted})"},
                )
                named = [memo for (memo,) in rows]
            if vector:
                known = db.execute(
                    "SELECT id, vector FROM memo WHERE user = :user AND persona = :persona AND length(vector) > 0"
                    f" AND {LATER} ORDER BY id DESC LIMIT {COMPARED}",
                    who,
                ).fetchall()
                near = [known[at][0] for at in nearest(vector, [bytes(v) for _, v in known], CANDIDATES)]
            return _best(db, fused(named, near), most)

    def facts(self, user: str, persona: str = "") -> list[Fact]:
        """What is known of `user`, the newest first."""
        where = "user = :user AND key != ''" + (" AND persona = :persona" if persona else "")
        with self._file.work(transaction=False) as db:
            rows = db.execute(
                f"SELECT id, persona, text, said, since, key FROM memo WHERE {where} ORDER BY id DESC LIMIT {LISTED}",
                {"user": clean(user), "persona": clean(persona)},
            ).fetchall()
        return [Fact(*row) for row in rows]

    def forget(self, user: str, fact: int) -> bool:
        """Take a fact out of the file for good; the line it was found in is recalled no more. False: there is none."""
        with self._file.work(wipe=True) as db:
            key = (fact, clean(user))
            found = db.execute("SELECT line FROM memo WHERE id = ? AND user = ? AND key != ''", key).fetchone()
            if found is None:
                return False
            db.execute("DELETE FROM memo WHERE id = ?", (fact,))
            db.execute("DELETE FROM memo WHERE line = ? AND key = ''", found)
        return True

    def unlooked(self, user: str, persona: str, chat: str, until: int, most: int) -> list[tuple[int, str]]:
        """Lines of the user that were not looked at for facts, the oldest first: (id, text); of `chat` those up to the
        number `until`: what is newer may still be taken back."""
        with self._file.work(transaction=False) as db:
            return db.execute(
                "SELECT line.id, line.text FROM line JOIN chat ON chat.id = line.chat WHERE looked = 0"
                " AND role = 'user' AND user = ? AND persona = ? AND (chat.id != ? OR n <= ?) ORDER BY line.id LIMIT ?",
                (clean(user), clean(persona), chat, until, most),
            ).fetchall()

    def learn(self, user: str, persona: str, found: Sequence[tuple[int, Sequence[Finding]]]) -> list[str]:
        """Put down what was found in lines, by their ids, and that they were looked at, all at once. Returns the texts
        of the facts that are new."""
        new: list[str] = []
        with self._file.work() as db:
            for line, findings in found:
                if not db.execute("UPDATE line SET looked = 1 WHERE id = ?", (line,)).rowcount:
                    continue  # deleted meanwhile
                who = (clean(user), clean(persona))
                new += [one.text for one in findings if self._learn(db, (*who, clean(one.key)), line, one)]
        return new

    def _learn(self, db: sqlite3.Connection, key: tuple[str, str, str], line: int, one: Finding) -> bool:
        before = db.execute(
            "SELECT id, text, line FROM memo WHERE user = ? AND persona = ? AND key = ?", key
        ).fetchone()
        if before and (before[1] == clean(one.text) or one.denied.lower() not in before[1].lower()):
            return False
        if before:  # not true any more, and so neither is what was said then
            db.execute("DELETE FROM memo WHERE id = ?", before[:1])
            db.execute("DELETE FROM memo WHERE line = ? AND line != ? AND key = ''", (before[2], line))
        if not one.text:
            return False
        said = clean(one.said)[:SAID]
        (memo,) = db.execute(
            f"INSERT INTO memo (user, persona, key, text, said, line, since) VALUES (?, ?, ?, ?, ?, ?, {NOW})"
            " RETURNING id",
            (*key, clean(one.text), said, line),
        ).fetchone()
        index(db, memo, key[0], f"{one.text} {said}")
        return True

    def meaningless(self, user: str, persona: str, most: int) -> list[tuple[int, str]]:
        """What has no vector yet, the newest first: (id, text)."""
        with self._file.work(transaction=False) as db:
            return db.execute(
                "SELECT id, iif(said = '', text, said) FROM memo WHERE user = ? AND persona = ? AND vector IS NULL"
                " ORDER BY id DESC LIMIT ?",
                (clean(user), clean(persona), most),
            ).fetchall()

    def mean(self, vectors: Sequence[tuple[int, str, bytes]]) -> None:
        """Keep (id, text, vector) of what still has that text."""
        with self._file.work() as db:
            db.executemany(
                "UPDATE memo SET vector = ? WHERE id = ? AND iif(said = '', text, said) = ?",
                [(vector, memo, text) for memo, text, vector in vectors],
            )


def _best(db: sqlite3.Connection, order: Sequence[int], most: int) -> list[Recalled]:
    """The first of `order`; of a line and a fact that was found in it, the one that comes first."""
    best: list[Recalled] = []
    shown: dict[int, bool] = {}  # line -> by a fact of it
    texts: set[str] = set()
    for memo in order:
        text, key, line = db.execute("SELECT text, key, line FROM memo WHERE id = ?", (memo,)).fetchone()
        fact = key != ""
        if text in texts or (line is not None and shown.get(line, fact) != fact):
            continue
        best.append(Recalled(memo, text, fact))
        if len(best) == most:
            break
        texts.add(text)
        shown[line] = fact
    return best

"""The file of the history over the years: older ones are brought up to date, damaged ones named, full ones swept."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from vaidol.nodes.agent._history import History, HistoryError, Line
from vaidol.nodes.agent._history_file import FIRST
from vaidol.nodes.agent._memos import Finding

ANN = "ann-ann-ann-ann-ann"
LEARNER = """
import sys
from pathlib import Path
from vaidol.nodes.agent._history import History, Line
from vaidol.nodes.agent._memos import Finding
history, user = History(Path(sys.argv[1])), "ann-ann-ann-ann-ann"
for n in range(1, 1_000_000):
    history.write([Line("c", user, "vai", n, "user", f"I live in town {n} and like thing {n} " + "word " * 50)])
    [(line, text)] = history.memos.unlooked(user, "vai", "", 0, 10)
    findings = [Finding("home", f"lives in town {n}", text), Finding(f"taste {n}", f"likes thing {n}", text)]
    history.memos.learn(user, "vai", [(line, findings)])
    history.memos.mean([(memo, text, bytes(384)) for memo, text in history.memos.meaningless(user, "vai", 10)])
    print(n, flush=True)
"""


def whole(path: Path) -> None:
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        for index in ("word", "sense"):
            db.execute(f"INSERT INTO {index} ({index}) VALUES ('integrity-check')")
        assert db.execute("SELECT count(*) FROM memo").fetchone() == db.execute("SELECT count(*) FROM sense").fetchone()
    db.close()


def test_a_learner_that_is_killed_leaves_whole_facts(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    with subprocess.Popen([sys.executable, "-c", LEARNER, path], stdout=subprocess.PIPE, text=True) as learner:
        assert learner.stdout is not None
        learned = next(int(told) for told in learner.stdout if int(told) >= 30)
        os.kill(learner.pid, signal.SIGKILL)
    history = History(path)
    facts = [fact.text for fact in history.memos.facts(ANN)]
    [home] = [text for text in facts if text.startswith("lives in town ")]
    last = int(home.removeprefix("lives in town "))
    assert last >= learned
    assert sorted(facts) == sorted([home, *(f"likes thing {n}" for n in range(1, last + 1))]), "both of a line, or none"
    assert len(history.memos.unlooked(ANN, "vai", "", 0, 10)) <= 1, "a line that was not looked at is, the next time"
    history.close()
    whole(path)


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    with sqlite3.connect(path) as db:
        for statement in FIRST.split(";\n"):
            db.execute(statement)
        db.execute("INSERT INTO chat (id, user, persona, title) VALUES ('c', ?, 'vai', 'Old')", (ANN,))
        for n, role, text in ((1, "user", "I live in Oslo."), (2, "assistant", "So you do."), (3, "user", "Is it?")):
            db.execute("INSERT INTO line (chat, n, role, text) VALUES ('c', ?, ?, ?)", (n, role, text))
        db.execute("PRAGMA user_version = 1")
    db.close()
    for _ in range(2):
        history = History(path)
        assert [chat.title for chat in history.chats(ANN)] == ["Old"]
        assert [one.text for one in history.memos.recall(ANN, "vai", "Where do I live?", 5)] == ["I live in Oslo."]
        assert [text for _, text in history.memos.unlooked(ANN, "vai", "", 0, 9)] == ["I live in Oslo.", "Is it?"]
        history.write([Line("c", ANN, "vai", 4, "user", "Well!")])
        history.write([Line("c", ANN, "vai", 4, "user", "")])
        history.close()
    whole(path)


def test_a_damaged_file_is_named_with_a_way_out_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path)
    for n in range(200):
        history.write([Line("c", ANN, "vai", n, "user", f"number {n} " * 20)])
    history.check()
    history.close()
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 600] = b"\xff" * 600
    path.write_bytes(content)
    for work in (history.check, lambda: history.read(ANN, "c"), lambda: history.memos.recall(ANN, "vai", "number", 5)):
        with pytest.raises(
            HistoryError, match=r"history\.sqlite3 is damaged: .*; move it away, and a new one is begun"
        ):
            work()
    history.close()
    assert path.read_bytes() == content


def test_what_is_old_or_too_much_is_swept_and_facts_stay(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    history = History(path)
    for n in range(40):
        history.write([Line(f"c{n}", ANN, "vai", 1, "user", f"I collect stamp {n}. " + "word " * 250 + f"end{n}")])
    lines = history.memos.unlooked(ANN, "vai", "", 0, 99)
    history.memos.learn(ANN, "vai", [(line, [Finding(f"stamp {line}", text[:18], text)]) for line, text in lines])
    with sqlite3.connect(path) as db:
        old = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-100 days')"
        db.execute(f"UPDATE chat SET changed = {old} WHERE id IN ('c3', 'c4')")
    db.close()
    assert history.sweep(0, 0) == 0
    assert history.sweep(101, 0) == 0
    assert history.sweep(99.5, 0) == 2
    assert {chat.id for chat in history.chats(ANN)} == {f"c{n}" for n in range(40)} - {"c3", "c4"}
    assert not any(b"end4" in file.read_bytes() for file in tmp_path.iterdir())
    assert len(history.memos.facts(ANN)) == 40
    assert history.sweep(0, 0.15) > 0
    kept = [int(chat.id[1:]) for chat in history.chats(ANN)]
    assert 0 < len(kept) < 38
    assert max(kept) == 39, "the oldest go first"
    assert len(history.memos.facts(ANN)) == 40
    history.close()
    whole(path)

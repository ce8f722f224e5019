"""What `vaidol serve` remembers by itself: what is said where only this machine is served, and elsewhere nothing."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
from pathlib import Path

import pytest

from vaidol.graph.engine import Engine
from vaidol.nodes import registry
from vaidol.nodes.agent._history import History, Line
from vaidol.server.cli import remembering, serve
from vaidol.server.cli.wrong import Wrong
from vaidol.server.history_keeping import HistoryOptions, tend

ANN = "ann-ann-ann-ann-ann"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "vaidol" / "history.sqlite3"


def options(*arguments: str) -> HistoryOptions:
    parser = argparse.ArgumentParser()
    serve.add(parser.add_subparsers())
    return remembering.options(parser.parse_args(["serve", *arguments]))


def test_this_machine_alone_is_remembered_unless_it_is_told_otherwise(home: Path, tmp_path: Path) -> None:
    assert options() == HistoryOptions(home, 365, 500)
    assert home.stat().st_mode & 0o777 == 0o600
    for others in (("--host", "0.0.0.0", "--token", "t"), ("--trust-proxy", "127.0.0.1"), ("--no-history",)):
        assert options(*others) == HistoryOptions()
    named = tmp_path / "named"
    told = options("--host", "0.0.0.0", "--history", str(named), "--history-days", "0", "--history-mb", "7.5")
    assert told == HistoryOptions(named, 0, 7.5)
    for wrong in (("--history-days", "-1"), ("--history-mb", "nan")):
        with pytest.raises(Wrong, match=wrong[0]):
            options(*wrong)


def test_a_file_that_cannot_be_used_is_a_mistake_where_it_was_named_and_else_told(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.parent.mkdir()
    home.write_text("This is a letter, and not a database. " * 50)
    assert options().file == home
    assert f"{home} cannot be used" in capsys.readouterr().err
    with pytest.raises(Wrong, match="not a database"):
        options("--history", str(home))
    newer = tmp_path / "newer"
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(Wrong, match="newer vaidol"):
        options("--history", str(newer))
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"SQLite format 3\0\x10\0\1\1\0\x40\x20\x20" + b"\xff" * 8168)
    assert options("--history", str(damaged)).file == damaged, "calls are taken all the same"
    assert "move it away" in capsys.readouterr().err


def test_a_server_sweeps_its_file(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    for n in range(3):
        history.write([Line(f"c{n}", ANN, "vai", 1, "user", f"hello {n}")])
    with sqlite3.connect(history.path) as db:
        db.execute("UPDATE chat SET changed = '2020-01-01T00:00:00.000Z' WHERE id = 'c1'")
    db.close()

    history.close()
    looking = History(history.path)

    async def main() -> None:
        engine = Engine(registry())
        tending = asyncio.create_task(tend(history, engine, HistoryOptions(history.path, 30)))
        for _ in range(500):
            if len(looking.chats(ANN)) < 3:
                break
            await asyncio.sleep(0.02)
        tending.cancel()
        await asyncio.gather(tending, return_exceptions=True)
        engine.close()

    asyncio.run(main())
    assert [chat.id for chat in looking.chats(ANN)] == ["c2", "c0"]
    looking.close()
    history.close()

"""The history file: what is written is found again by its user alone, whatever is searched for and whoever dies."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graphs import idle, running
from tests.nodes.agent.talk import EDGES, HEARD, NODES, ScriptedAgent
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.nodes.agent._history import History, HistoryError, Line, Recorder
from vaidol.nodes.agent._memory import Conversation

ANN, BOB = "ann-ann-ann-ann-ann", "bob-bob-bob-bob-bob"
HELLO = "You said hello to me. I have heard it all. Now go on, please."
ANYTHING = st.text(st.characters(codec=None), max_size=40)  # half characters and NUL as well
WRITER = """
import sys
from pathlib import Path
from vaidol.nodes.agent._history import History, Line
history = History(Path(sys.argv[1]))
for n in range(1, 1_000_000):
    history.write([Line("c", "ann-ann-ann-ann-ann", "vai", n, "user", f"line {n} " + "word " * 50),
                   Line("c", "ann-ann-ann-ann-ann", "vai", n - 1, "assistant", f"line {n - 1} again")])
    print(n, flush=True)
"""


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    made = History(tmp_path / "deep" / "history.sqlite3")
    yield made
    made.close()


def line(n: int, text: str, *, user: str = ANN, chat: str = "a", persona: str = "vai", role: str = "user") -> Line:
    return Line(chat, user, persona, n, role, text)


def texts(history: History, chat: str, user: str = ANN) -> list[str]:
    found = history.read(user, chat)
    assert found is not None
    return [one.text for one in found[1]]


def test_what_was_said_is_listed_found_renamed_and_deleted(history: History) -> None:
    history.write([line(1, "Where is my Café key?"), line(2, "In the wardrobe.", role="assistant")])
    history.write([line(1, "桜がとても好きです", chat="b", persona="mo")])
    assert [(chat.id, chat.title, chat.lines) for chat in history.chats(ANN)] == [
        ("b", "桜がとても好きです", 1),
        ("a", "Where is my Café key?", 2),
    ]
    assert [chat.id for chat in history.chats(ANN, persona="mo")] == ["b"]
    for query, wanted in (
        ("cafe", "a"),
        ("WARD", "a"),
        ("key cafe", "a"),
        ("好き", "b"),
        ("key wardrobe", ""),
        ("!?", ""),
    ):
        assert [chat.id for chat in history.chats(ANN, query=query)] == [*wanted], query
    assert history.rename(ANN, "a", "Keys")
    history.write([line(3, "Thanks.")])
    assert [(chat.title, chat.id) for chat in history.chats(ANN)] == [("Keys", "a"), ("桜がとても好きです", "b")]
    assert history.delete(ANN, "a")
    assert [chat.id for chat in history.chats(ANN)] == ["b"]
    assert not any(b"wardrobe" in file.read_bytes() for file in history.path.parent.iterdir())  # nor its words
    assert stat.S_IMODE(history.path.stat().st_mode) == 0o600


def test_a_line_that_changes_is_replaced_and_an_empty_one_is_gone(history: History) -> None:
    history.write([line(1, "hello"), line(2, "First.", role="assistant")])
    history.write([line(2, "First. Second.", role="assistant")])
    assert texts(history, "a") == ["hello", "First. Second."]
    history.write([line(2, "", role="assistant"), line(7, "")])
    assert texts(history, "a") == ["hello"]
    assert history.chats(ANN, query="second") == []


def test_nobody_finds_what_another_said(history: History) -> None:
    history.write([line(1, "my secret is plum"), line(1, "my secret is fig", user=BOB, chat="b")])
    assert [chat.id for chat in history.chats(BOB, query="secret")] == ["b"]
    assert history.chats("") == []
    assert history.read(BOB, "a") is None
    assert not history.rename(BOB, "a", "mine")
    assert not history.delete(BOB, "a")
    assert texts(history, "a") == ["my secret is plum"]
    assert [chat.title for chat in history.chats(ANN, query="secret")] == ["my secret is plum"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=ANYTHING | st.sampled_from(['"', "a* OR", "NEAR(a b)", "text:x", "-a", "a AND NOT", "^", "(", "'; --"]))
def test_no_text_is_too_odd_to_be_kept_and_searched_for(history: History, query: str) -> None:
    history.write([line(1, query or "x", chat="odd")])
    history.chats(ANN, query=query)
    history.chats(query, persona=query)
    assert history.read(query, query) is None
    assert [chat.lines for chat in history.chats(ANN)] == [1]


@given(st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=6), st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_word_that_was_said_is_found(history: History, words: list[str], data: st.DataObject) -> None:
    history.write([line(1, " ".join(words))])
    asked = data.draw(st.sampled_from(words))
    assert [chat.id for chat in history.chats(ANN, query=asked)] == ["a"]


def test_a_writer_that_is_killed_leaves_all_that_it_had_written(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    for wanted in (3, 40):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            written = next(int(told) for told in writer.stdout if int(told) >= wanted)
            os.kill(writer.pid, signal.SIGKILL)
        history = History(path)
        try:
            said = texts(history, "c")
            assert len(said) >= written
            assert said[1].startswith("line 1 ")
            history.write([line(1, "and on it goes", chat="later")])
            assert [chat.id for chat in history.chats(ANN, query="goes on")] == ["later"]
        finally:
            history.close()
        with sqlite3.connect(path) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            db.execute("INSERT INTO word (word) VALUES ('integrity-check')")
        db.close()


def test_a_file_that_is_none_of_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("This is a letter, and not a database. " * 50)
    with pytest.raises(HistoryError, match="not a database"):
        History(tmp_path / "text").chats(ANN)
    with sqlite3.connect(tmp_path / "newer") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(HistoryError, match="newer vaidol"):
        History(tmp_path / "newer").chats(ANN)
    with pytest.raises(HistoryError, match="cannot be used"):
        History(tmp_path).chats(ANN)


def test_nothing_is_written_for_nobody(history: History) -> None:
    recorder = Recorder(history)
    recorder.note("vai", "vai", 1, "user", "hello")
    assert recorder.waiting() == []
    for n in range(1000):
        recorder.note("vai", "vai", n, "user", f"{n}")
    recorder.user = ANN
    waiting = recorder.waiting()
    assert [one.text for one in waiting] == [f"{n}" for n in range(1000 - Recorder.MOST, 1000)]
    recorder.note("vai", "vai", 999, "user", "changed meanwhile")
    recorder.written(waiting)
    assert [one.text for one in recorder.waiting()] == ["changed meanwhile"]


def test_a_talk_that_is_recalled_goes_on_with_its_numbers() -> None:
    told: list[tuple[int, str, str]] = []
    memory = Conversation("Be nice.")
    memory.user("old", 1)
    memory.note = lambda *what: told.append(what)
    memory.recall([(3, "user", "one"), (4, "assistant", "two")])
    memory.user("three", 2)
    assert told == [(5, "user", "three")]
    assert [message["content"] for message in memory.messages()[1:]] == ["one", "two", "three"]


def test_an_interrupted_reply_is_written_down_as_it_was_heard(history: History) -> None:
    recorder = Recorder(history)
    recorder.user = ANN

    async def main() -> str:
        nodes = {**NODES, "agent": (ScriptedAgent, {"prompt": "Be nice."})}
        ends = {"call": CallDouble(), "history": recorder}
        async with running(nodes, [*EDGES, HEARD], ends=ends) as graph:
            graph.node("user").say("hello")
            await idle(graph)
            graph.node("user").say("more")
            await graph.clock.sleep(2.5)
            graph.fence.cut("test")
            heard = str(graph.node("agent").memory.messages()[-1]["content"])
            graph.node("user").say("no", speculative=True)
            await graph.clock.sleep(0.5)
            graph.fence.cut("the user had not finished")
            await idle(graph)
        return heard

    heard = run_virtual(main())
    [chat] = history.chats(ANN)
    assert texts(history, chat.id) == ["hello", HELLO, "more", heard]
    assert "You said more".startswith(heard[:13])
    assert len(heard) < len(HELLO)


def test_a_call_that_ends_in_the_middle_of_a_sentence_keeps_the_words_that_were_heard(history: History) -> None:
    recorder = Recorder(history)
    recorder.user = ANN

    async def main() -> None:
        async with running(NODES, [*EDGES, HEARD], ends={"call": CallDouble(), "history": recorder}) as graph:
            graph.node("user").say("hello")
            await graph.clock.sleep(1.5)

    run_virtual(main())
    [chat] = history.chats(ANN)
    said, heard = texts(history, chat.id)
    assert said == "hello"
    assert "You" in heard
    assert HELLO.startswith(heard.rstrip(" .…"))
    assert len(heard) < len(HELLO) - 10


def test_a_history_that_cannot_be_written_is_told_once_and_the_talk_goes_on(tmp_path: Path) -> None:
    recorder = Recorder(History(tmp_path))  # a folder
    recorder.user = ANN

    async def main() -> tuple[list[str], list[str]]:
        async with running(NODES, [*EDGES, HEARD], ends={"call": CallDouble(), "history": recorder}) as graph:
            for _ in range(2):
                graph.node("user").say("hello")
                await idle(graph)
            names = [event.name for event in graph.events]
            return [event.text for event in graph.events if event.name == "error"], names

    errors, names = run_virtual(main())
    assert len(errors) == 1
    assert "cannot be used" in errors[0]
    assert names.count("turn_done") == 2

"""chat.twitch against a server of IRC: what comes, what is lost, what is refused, what is written."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.chat.platforms import KEY, Irc, errors, heard, listening, until
from vaidol.nodes.chat import twitch


def test_a_twitch_channel_is_read_and_read_again_after_a_hang_up() -> None:
    async def main() -> None:
        irc = Irc()
        async with irc.serving() as url, listening("chat.twitch", url=url, channel="Vai", mention="vai") as graph:
            await until(lambda: irc.joined, "the channel is joined")
            irc.send(
                "PING :tmi.twitch.tv",
                "@display-name=Ann\\sB;id=1;user-id=7 :ann!ann@x PRIVMSG #vai :Hello : there",
                "@display-name=Bob;id=2;user-id=8;bits=100 :bob!bob@x PRIVMSG #vai :cheer100",
                "@display-name=Cleo;id=3;user-id=9 :cleo!cleo@x PRIVMSG #vai :How are you, Vai?",
                "@display-name=Dan;id=4;user-id=10 :dan!dan@x PRIVMSG #other :not here",
                ":dan!dan@x PRIVMSG #vai :\x01ACTION waves\x01",
            )
            await until(lambda: len(heard(graph)) == 4, "four messages")
            assert [(m.who, m.text, m.rank) for m in heard(graph)] == [
                ("Ann B", "Hello : there", 0), ("Bob", "cheer100", 3), ("Cleo", "How are you, Vai?", 2),
                ("dan", "waves", 0),
            ]  # fmt: skip
            assert "PONG :tmi.twitch.tv" in irc.got
            irc.hang_up()
            await until(lambda: irc.joined == 2, "the channel is joined again")
            irc.send("@display-name=Ann;id=1;user-id=7 :ann!ann@x PRIVMSG #vai :Hello : there")  # came before
            irc.send("@display-name=Eve;id=5;user-id=11 :eve!eve@x PRIVMSG #vai :new")
            await until(lambda: len(heard(graph)) == 5, "the new message")

    asyncio.run(main())


def test_an_answer_is_written_into_a_twitch_channel() -> None:
    async def main() -> None:
        irc = Irc()
        account = {"account": "VaiBot", "token": KEY, "reply": True}
        async with irc.serving() as url, listening("chat.twitch", url=url, channel="Vai", **account) as graph:
            await until(lambda: irc.joined, "the channel is joined")
            irc.send("@display-name=Ann;id=ab-1;user-id=7 :ann!ann@x PRIVMSG #vai :hi")
            irc.send("@display-name=Mod;id=ab-2;user-id=8;msg-id=announcement :tmi.twitch.tv USERNOTICE #vai :Welcome")
            await until(lambda: len(heard(graph)) == 2, "a message and an announcement")
            assert [m.rank for m in heard(graph)] == [0, 0]
            graph.node("voice").answer(heard(graph)[0], "/me says: hello\r\nJOIN #other " + "long " * 200)
            await until(lambda: irc.wrote, "the answer")
            assert irc.wrote[0].startswith("vaibot in #vai to ab-1: me says: hello JOIN #other long")
            assert len(irc.wrote[0]) < 540
            irc.notice = "@msg-id=msg_slowmode :tmi.twitch.tv NOTICE #vai :This room is in slow mode."
            graph.node("voice").answer(heard(graph)[1], "hello")
            await until(lambda: errors(graph), "an error")
            assert errors(graph) == ["Twitch did not take the reply: This room is in slow mode."]
            irc.send("@target-user-id=7 :tmi.twitch.tv CLEARCHAT #vai :ann")
            await until(lambda: len(heard(graph)) == 3, "what a moderator deleted")
            assert (heard(graph)[2].ref, heard(graph)[2].text) == ("chat:ab-1", "")

    asyncio.run(main())


def test_a_token_that_twitch_refuses_is_told_and_not_tried_again() -> None:
    async def main() -> None:
        irc = Irc()
        account = {"account": "bot", "token": "stale-token", "reply": True}
        async with irc.serving() as url, listening("chat.twitch", url=url, channel="vai", **account) as graph:
            await until(lambda: errors(graph), "an error")
            await asyncio.sleep(0.2)
            assert errors(graph) == ["Twitch refused the token of 'bot'; check token"]
            assert len([line for line in irc.got if line.startswith("PASS")]) == 1

    asyncio.run(main())


def test_a_twitch_server_that_is_not_there_is_told_once() -> None:
    async def main() -> None:
        async with listening("chat.twitch", url="irc://127.0.0.1:9", channel="vai") as graph:
            await until(lambda: errors(graph), "an error")
            await asyncio.sleep(0.3)
            assert errors(graph) == ["the Twitch chat cannot be reached"]

    asyncio.run(main())


@given(st.text(max_size=300))
def test_no_line_of_irc_is_too_odd(line: str) -> None:
    tags, who, command, rest = twitch.parse(line)
    assert all(isinstance(one, str) for one in (who, command, *rest, *tags.values()))

"""Every chat platform against a server that speaks its protocol: what comes, what is lost, what is refused."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.chat.platforms import (
    KEY,
    Irc,
    Socket,
    Youtube,
    danmaku,
    heard,
    listening,
    until,
    until_closed,
    written,
)  # fmt: skip
from vaidol.graph.scheduler import Graph
from vaidol.nodes.chat import _source, bilibili, twitch, youtube


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_source, "FIRST_S", 0.02)
    monkeypatch.setattr(youtube, "SOONEST_S", 0.01)


def errors(graph: Graph) -> list[str]:
    return [event.text for event in graph.events if event.name == "error"]


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


def test_a_youtube_chat_is_read_from_now_on() -> None:
    async def main() -> None:
        site = Youtube()
        site.pages = [
            {"items": [written(1, "Old", "said before")]},
            {"items": [written(2, "Ann", "hi"), written(3, "Bob", "take this", "superChatEvent")]},
            {"items": [written(3, "Bob", "take this", "superChatEvent"), written(4, "Cleo", "why?")]},
        ]
        settings = {"video": "abc", "api_key": KEY}
        async with site.serving() as url, listening("chat.youtube", base_url=url, **settings) as graph:
            await until(lambda: len(heard(graph)) == 3, "three messages")
            assert [(m.who, m.text, m.rank) for m in heard(graph)] == [
                ("Ann", "hi", 0), ("Bob", "take this", 3), ("Cleo", "why?", 1),
            ]  # fmt: skip
            assert site.asked[:3] == ["", "page-1", "page-2"]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api_key": "wrong", "video": "abc"}, "refused the key"),
        ({"api_key": KEY, "video": "none"}, "knows no video 'none'"),
    ],
)
def test_what_youtube_refuses_is_told(settings: dict[str, Any], said: str) -> None:
    async def main() -> None:
        async with Youtube().serving() as url, listening("chat.youtube", base_url=url, **settings) as graph:
            await until(lambda: errors(graph), "an error")
            assert said in errors(graph)[0]
            assert KEY not in errors(graph)[0]

    asyncio.run(main())


def test_a_discord_channel_is_read() -> None:
    got: list[Any] = []

    def message(number: int, text: str, *, bot: bool = False, channel: str = "42") -> dict[str, Any]:
        author = {"id": str(number), "username": f"user{number}", "bot": bot}
        data = {"id": f"m{number}", "channel_id": channel, "author": author, "content": text}
        return {"op": 0, "s": number, "t": "MESSAGE_CREATE", "d": {**data, "mentions": [{"id": "1", "username": "v"}]}}

    async def serve(socket: web.WebSocketResponse, count: int) -> None:
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 30}})
        await socket.receive_json()
        await socket.send_json({"op": 0, "s": 1, "t": "READY", "d": {"user": {"id": "1"}}})
        if count == 1:
            await socket.send_json(message(2, "hello"))
            await socket.send_json({"op": 7, "d": None})  # Discord asks to come again
        else:
            await socket.send_json(message(3, "beep", bot=True))
            await socket.send_json(message(4, "elsewhere", channel="43"))
            await socket.send_json(message(5, "<@1> are you there"))
        await until_closed(socket, got)

    async def main() -> None:
        settings = {"channel": "42", "api_key": KEY, "mention": "Vai"}
        async with Socket("/", serve).serving() as url, listening("chat.discord", base_url=url, **settings) as graph:
            await until(lambda: len(heard(graph)) == 2, "two messages")
            assert [(m.who, m.text, m.rank) for m in heard(graph)] == [
                ("user2", "hello", 0), ("user5", "@Vai are you there", 2)
            ]  # fmt: skip
            await until(lambda: {"op": 1, "d": 5} in got, "a heartbeat with the last number")

    asyncio.run(main())


def test_a_key_that_discord_refuses_is_told_and_not_tried_again() -> None:
    async def serve(socket: web.WebSocketResponse, _: int) -> None:
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 45_000}})
        await socket.receive_json()
        await socket.close(code=4004)

    async def main() -> None:
        site = Socket("/", serve)
        async with site.serving() as url, listening("chat.discord", base_url=url, channel="42", api_key=KEY) as graph:
            await until(lambda: errors(graph), "an error")
            await asyncio.sleep(0.2)
            assert errors(graph) == ["Discord refused the key; check api_key"]
            assert site.count == 1

    asyncio.run(main())


def test_a_bilibili_room_is_read() -> None:
    got: list[Any] = []

    async def serve(socket: web.WebSocketResponse, count: int) -> None:
        got.append(await socket.receive_bytes())
        await socket.send_bytes(bilibili.packed(bilibili.JOINED, b'{"code":0}'))
        await socket.send_bytes(bilibili.packed(bilibili.BEATEN, b"\x00\x00\x00\x09"))
        if count == 1:
            await socket.send_bytes(
                danmaku(
                    {"cmd": "DANMU_MSG:4:0", "info": [[], "你好", [7, "小明"]]},
                    {"cmd": "INTERACT_WORD", "data": {}},
                    {
                        "cmd": "SUPER_CHAT_MESSAGE",
                        "data": {"id": 1, "uid": 8, "user_info": {"uname": "B"}, "message": "加油"},
                    },
                )
            )
            await socket.close()
            return
        await socket.send_bytes(danmaku({"cmd": "DANMU_MSG", "info": [[], "plain?", [9, "C"]]}, deflated=False))
        await until_closed(socket, got)

    async def info(request: web.Request) -> web.Response:
        assert request.query["id"] == "5"
        data = {"token": "tok", "host_list": [{"host": "x", "wss_port": 1}]}
        return web.json_response({"code": 0, "data": data})

    async def main() -> None:
        site = Socket("/sub", serve)
        site.app.router.add_get(bilibili.INFO, info)
        async with site.serving() as url, listening("chat.bilibili", base_url=url, socket_url=url, room=5) as graph:
            await until(lambda: len(heard(graph)) == 3, "three messages")
            assert [(m.who, m.text, m.rank) for m in heard(graph)] == [
                ("小明", "你好", 0), ("B", "加油", 3), ("C", "plain?", 1)
            ]  # fmt: skip
            assert b'"key": "tok"' in got[0]

    asyncio.run(main())


@given(st.binary(max_size=200))
def test_no_packet_is_too_odd(data: bytes) -> None:
    for packet in (data, *(bilibili.packed(bilibili.MESSAGE, data, version) for version in (0, 2))):
        with contextlib.suppress(ValueError):
            list(bilibili.unpacked(packet))

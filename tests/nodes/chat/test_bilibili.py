"""chat.bilibili against a server that speaks as its web page hears it: what comes, what is lost, what is written."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.chat.bilibili_site import IMAGE, SUB_IMAGE, Bilibili, danmaku
from tests.nodes.chat.platforms import KEY, Socket, errors, heard, listening, until, until_closed
from vaidol.nodes.chat import _danmaku, _wbi, bilibili


def test_a_bilibili_room_is_read_at_the_first_address_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[Any] = []
    monkeypatch.setattr(bilibili, "SCHEME", "http")

    async def serve(socket: web.WebSocketResponse, count: int) -> None:
        got.append(await socket.receive_bytes())
        if count == 1:
            await socket.send_bytes(_danmaku.packed(_danmaku.JOINED, b'{"code":-101}'))
            return
        await socket.send_bytes(_danmaku.packed(_danmaku.JOINED, b'{"code":0}'))
        await socket.send_bytes(_danmaku.packed(_danmaku.BEATEN, b"\x00\x00\x00\x09"))
        if count == 2:
            await socket.send_bytes(
                danmaku(
                    {"cmd": "DANMU_MSG:4:0", "info": [[0, 1, 25, 0, 1700000000000], "你好", [7, "小明"]]},
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

    async def main() -> None:
        chat = Socket("/sub", serve)
        async with chat.serving() as place:
            site = Bilibili(["127.0.0.1:9", place.removeprefix("http://")])
            async with site.serving() as url, listening("chat.bilibili", base_url=url, web_url=url, room=5) as graph:
                await until(lambda: len(heard(graph)) == 3, "three messages")
                assert [(m.who, m.text, m.rank) for m in heard(graph)] == [
                    ("小明", "你好", 0), ("B", "加油", 3), ("C", "plain?", 1)
                ]  # fmt: skip
                joined = json.loads(got[0][16:])
                assert (joined["roomid"], joined["uid"], joined["key"], joined["buvid"]) == (5000, 0, "tok", "buvid")
                assert site.agents == {"Mozilla"}
                assert any("cannot be reached" in error for error in errors(graph))  # the first address

    asyncio.run(main())


def test_an_answer_is_written_into_a_bilibili_room() -> None:
    async def serve(socket: web.WebSocketResponse, _: int) -> None:
        assert json.loads((await socket.receive_bytes())[16:])["uid"] == 99
        await socket.send_bytes(_danmaku.packed(_danmaku.JOINED, b'{"code":0}'))
        await socket.send_bytes(danmaku({"cmd": "DANMU_MSG", "info": [[0, 1, 25, 0, 17], "你好", [7, "小明"]]}))
        await until_closed(socket, [])

    async def main() -> None:
        chat, site = Socket("/sub", serve), Bilibili(["x:1"])
        account = {"reply": True, "sessdata": KEY, "bili_jct": "crumb"}
        async with chat.serving() as place, site.serving() as url, listening(
            "chat.bilibili", base_url=url, web_url=url, socket_url=place, room=5, **account
        ) as graph:  # fmt: skip
            await until(lambda: heard(graph), "a message")
            graph.node("voice").answer(heard(graph)[0], "你好小明，很高兴见到你，今天我们一起玩游戏吧。")
            await until(lambda: site.sent, "the answer")
            told = site.sent[0]
            assert (told["roomid"], told["reply_mid"], told["csrf_token"]) == ("5000", "7", "crumb")
            assert len(told["msg"]) <= 20
            site.refuses = {"code": 0, "message": "f"}
            graph.node("voice").answer(heard(graph)[0], "你好")
            await until(lambda: errors(graph), "an error")
            assert errors(graph) == ["Bilibili did not take the reply: f"]

    asyncio.run(main())


def test_what_is_asked_of_bilibili_is_signed_as_its_pages_do() -> None:
    key = _wbi.mixed(IMAGE, SUB_IMAGE)
    assert key == "ea1db124af3c7062474693fa704f4ff8"
    asked = {"foo": "114", "bar": "514", "zab": "1919810"}
    assert _wbi.signed(asked, key, 1702204169)["w_rid"] == "8f6f2b5b3d485fe1886cec6a0be8c5d4"


@given(st.binary(max_size=200))
def test_no_packet_is_too_odd(data: bytes) -> None:
    for packet in (data, *(_danmaku.packed(_danmaku.MESSAGE, data, version) for version in range(4))):
        with contextlib.suppress(ValueError):
            list(_danmaku.unpacked(packet))

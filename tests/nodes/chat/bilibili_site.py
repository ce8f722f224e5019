"""Bilibili on this machine."""

from __future__ import annotations

import json
import zlib
from typing import Any

from aiohttp import web

from tests.nodes.chat.platforms import KEY, Site
from vaidol.nodes.chat import _danmaku, _wbi, bilibili

IMAGE = "https://i0.hdslb.com/bfs/wbi/7cd084941338484aae1ad9425b84077c.png"
SUB_IMAGE = "https://i0.hdslb.com/bfs/wbi/4932caff0ff746eab6f01bf08b70ac45.png"


class Bilibili(Site):
    """Tells those who sign what they ask where room 5000, which people know as 5, can be heard: at `hosts`."""

    def __init__(self, hosts: list[str]) -> None:
        super().__init__()
        self.hosts = hosts
        self.agents: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self.refuses = {"code": 0, "message": ""}  # what is written
        for path, answer in (
            (bilibili.FINGER, self._finger), (bilibili.NAV, self._nav), (bilibili.ROOM, self._room),
            (bilibili.INFO, self._info),
        ):  # fmt: skip
            self.app.router.add_get(path, answer)
        self.app.router.add_post(bilibili.SEND, self._send)

    async def _finger(self, request: web.Request) -> web.Response:
        self.agents.add(request.headers["User-Agent"].partition("/")[0])
        return web.json_response({"code": 0, "data": {"b_3": "buvid", "b_4": ""}})

    async def _nav(self, request: web.Request) -> web.Response:
        inside = f"SESSDATA={KEY}" in request.headers.get("Cookie", "")
        data = {
            "isLogin": inside,
            "wbi_img": {"img_url": IMAGE, "sub_url": SUB_IMAGE},
            **({"mid": 99} if inside else {}),
        }
        return web.json_response({"code": 0 if inside else -101, "message": "", "data": data})

    async def _room(self, request: web.Request) -> web.Response:
        known = request.query["room_id"] == "5"
        return web.json_response({"code": 0 if known else 1, "message": "未找到该房间", "data": {"room_id": 5000}})

    async def _info(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        signature, when = asked.pop("w_rid", ""), asked.pop("wts", "0")
        if "buvid3=buvid" not in request.headers.get("Cookie", "") or asked["id"] != "5000":
            return web.json_response({"code": -352, "message": "-352"})
        if signature != _wbi.signed(asked, _wbi.mixed(IMAGE, SUB_IMAGE), int(when))["w_rid"]:
            return web.json_response({"code": 0, "data": {"v_voucher": "voucher"}})
        places = [
            {"host": host, "wss_port": int(port)} for host, _, port in (one.rpartition(":") for one in self.hosts)
        ]
        return web.json_response({"code": 0, "data": {"token": "tok", "host_list": places}})

    async def _send(self, request: web.Request) -> web.Response:
        told = dict(await request.post())
        cookie = request.headers.get("Cookie", "")
        if f"SESSDATA={KEY}" not in cookie or f"bili_jct={told['csrf']}" not in cookie:
            return web.json_response({"code": -111, "message": "csrf 校验失败"})
        self.sent.append(told)
        return web.json_response(self.refuses)


def danmaku(*messages: dict[str, Any], deflated: bool = True) -> bytes:
    """Bilibili's packet with these messages."""
    inner = b"".join(_danmaku.packed(_danmaku.MESSAGE, json.dumps(one).encode(), _danmaku.PLAIN) for one in messages)
    return _danmaku.packed(_danmaku.MESSAGE, zlib.compress(inner), _danmaku.DEFLATED) if deflated else inner

"""chat.bilibili: the danmaku of a Bilibili live room; with an account's cookies, the avatar writes there too.

Binary packets over a WebSocket, as its web page reads them; there is no public specification. What is known of it:
https://github.com/SocialSisterYi/bilibili-API-collect (docs/live).
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, SecretStr, model_validator

from vaidol.graph.clock import wall_s
from vaidol.graph.node import Context
from vaidol.nodes._provider import Provider
from vaidol.nodes.chat._crowd import Said
from vaidol.nodes.chat._danmaku import BEAT, DEFLATED, JOIN, JOINED, packed, unpacked
from vaidol.nodes.chat._remote import RemoteChat, RemoteChatSettings
from vaidol.nodes.chat._wbi import mixed, signed

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

BEAT_S = 30.0
SCHEME = "https"  # of the addresses that the service names
ROOM, INFO, SEND = "/room/v1/Room/get_info", "/xlive/web-room/v1/index/getDanmuInfo", "/msg/send"
NAV, FINGER = "/x/web-interface/nav", "/x/frontend/finger/spi"
AGENT = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0",
    "Referer": "https://live.bilibili.com/",
    "Origin": "https://live.bilibili.com",
}
OUTSIDER = -101  # of `NAV`: not logged in, which is no fault
ROBOT = (-352, -412, -403)  # of all: it wants a browser that it knows
TOO_FAST = (10030, 10031)  # of `SEND`


class BilibiliSettings(RemoteChatSettings):
    provider = Provider("Bilibili")

    base_url: str = Field("https://api.live.bilibili.com", pattern=r"^https?://[^\s/]+")
    """Address of the live service."""
    web_url: str = Field("https://api.bilibili.com", pattern=r"^https?://[^\s/]+")
    """Address of the service for everything else."""
    socket_url: str = Field("", pattern=r"^$|^https?://[^\s/]+")
    """Address of the chat itself; empty: one after the other of those the service names."""
    room: int = Field(gt=0)
    """Number of the room, as in live.bilibili.com/NUMBER."""
    sessdata: SecretStr = SecretStr("")
    """Cookie SESSDATA of an account: without one, Bilibili hides names."""
    bili_jct: SecretStr = SecretStr("")
    """Cookie bili_jct of the same account, for writing replies."""
    reply_length: int = Field(20, ge=1, le=40)
    """What it writes is cut to so many characters; accounts of a higher level may write 30 or 40."""

    @model_validator(mode="after")
    def _can_reply(self) -> Self:
        if self.reply and not (self.sessdata.get_secret_value() and self.bili_jct.get_secret_value()):
            raise ValueError("to reply, Bilibili wants two cookies of an account: sessdata and bili_jct")
        return self


class BilibiliChat(RemoteChat[BilibiliSettings]):
    """chat.bilibili: what is written in a live room; Super Chats count as paid.

    answers (Transcript: the message being answered), spoken (Mark: what is heard of the answer)
    -> chat (Transcript: `who` wrote it, `rank` 3 = paid, 2 = speaks to the avatar, 1 = asks, 0 = other)
    """

    provider: ClassVar[Provider] = BilibiliSettings.provider
    longest = 40
    mentions = False

    def __init__(self, settings: BilibiliSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._tries = 0  # connections that led nowhere: the next one goes to another address
        self._room = settings.room  # its real number; people know a short one
        self._buvid = ""  # what Bilibili calls this browser

    @property
    def subject(self) -> str:
        return f"room {self.settings.room}"

    async def messages(self) -> AsyncGenerator[Said, None]:
        uid, key = await self._identity()
        address, token = await self._place(key)
        self._tries += 1
        async with self.service.socket(f"{address}/sub", headers=AGENT) as socket:
            about = {"uid": uid, "roomid": self._room, "protover": DEFLATED, "buvid": self._buvid, "platform": "web"}
            await self._send(socket, JOIN, json.dumps({**about, "type": 2, "key": token}).encode())
            beating = self.ctx.spawn(self._beat(socket))
            try:
                while (data := await self.received(socket, self.settings.stall_s + BEAT_S)) is not None:
                    for said in self._read(data):
                        yield said
            finally:
                beating.cancel()
            raise self.service.wrong("broke the connection off", "unreachable", retryable=True)

    async def post(self, id: str, text: str) -> None:
        crumb = self.settings.bili_jct.get_secret_value()
        what = {
            "msg": text, "roomid": str(self._room), "rnd": str(int(wall_s())), "reply_mid": id.partition(".")[0],
            "bubble": "0", "color": "16777215", "mode": "1", "fontsize": "25", "csrf": crumb, "csrf_token": crumb,
        }  # fmt: skip
        async with self.service.ask("POST", SEND, headers=self._headers, data=what) as answer:
            told = await answer.json()
        with self.service.parsed():
            code, words = int(told["code"]), str(told.get("message") or "")
        if code or words:  # 0 with a letter: hidden by one of its filters
            fast = code in TOO_FAST
            raise self.service.wrong(f"did not take the reply: {words[:100] or code}", "refused", retryable=fast)

    async def _identity(self) -> tuple[int, str]:
        """Number of the account, 0 without one, and the key of the day; `_buvid` and `_room` are known then, too."""
        if not self._buvid:
            self._buvid = str((await self._asked(f"{self.settings.web_url}{FINGER}", {}))["b_3"])
        about = await self._asked(f"{self.settings.web_url}{NAV}", {}, allowed=OUTSIDER)
        room = await self._asked(ROOM, {"room_id": str(self.settings.room)})
        with self.service.parsed():
            self._room = int(room["room_id"])
            return int(about.get("mid") or 0), mixed(about["wbi_img"]["img_url"], about["wbi_img"]["sub_url"])

    async def _place(self, key: str) -> tuple[str, str]:
        """Address of the chat, and the token that opens it."""
        asked = {"id": str(self._room), "type": "0", "web_location": "444.8"}
        told = await self._asked(INFO, signed(asked, key, int(wall_s())))
        with self.service.parsed():
            host = told["host_list"][self._tries % len(told["host_list"])]
            return self.settings.socket_url or f"{SCHEME}://{host['host']}:{host['wss_port']}", str(told["token"])

    async def _asked(self, path: str, asked: dict[str, str], *, allowed: int = 0) -> Any:
        async with self.service.ask("GET", path, headers=self._headers, params=asked) as answer:
            told = await answer.json()
        with self.service.parsed():
            if told["code"] in ROBOT or "v_voucher" in (told.get("data") or ()):
                what = "takes this for a robot; give it the cookie sessdata of an account"
                raise self.service.wrong(what, "robot", retryable=True)
            if told["code"] not in (0, allowed):
                raise self.service.wrong(f"refused: {str(told.get('message', told['code']))[:100]}", "request")
            return told["data"]

    @property
    def _headers(self) -> dict[str, str]:
        """What a browser that was there before sends: others are refused."""
        own = {
            "buvid3": self._buvid,
            "SESSDATA": self.settings.sessdata.get_secret_value(),
            "bili_jct": self.settings.bili_jct.get_secret_value(),
        }
        cookie = "; ".join(f"{name}={value}" for name, value in own.items() if value)
        return AGENT | ({"Cookie": cookie} if cookie else {})

    def _read(self, data: bytes) -> list[Said]:
        """What was written, in one packet. Raises `ProviderError` where it says that nobody was let in."""
        found = []
        with self.service.parsed():
            for operation, told in unpacked(data):
                if operation != JOINED:
                    found += [said] if (said := read(told)) is not None else []
                elif told["code"]:
                    raise self.service.wrong(f"did not let this in ({told['code']})", "key", retryable=True)
                else:
                    self._tries -= 1
        return found

    async def _beat(self, socket: ClientWebSocketResponse) -> None:
        while not socket.closed:
            await self._send(socket, BEAT, b"")
            await self.ctx.clock.sleep(BEAT_S)

    async def _send(self, socket: ClientWebSocketResponse, operation: int, body: bytes) -> None:
        with self.service.explained("broke the connection off"):
            await self.service.next(socket.send_bytes(packed(operation, body)), self.settings.stall_s)


def read(told: Any) -> Said | None:
    """What somebody wrote, if that is what the message tells of. Its id begins with the number of the author."""
    command = str(told["cmd"]).partition(":")[0]
    if command == "DANMU_MSG":
        about, text, author = told["info"][:3]
        when = f".{about[4]}" if len(about) > 4 else ""
        return Said(f"{author[0]}{when}" if when else "", str(author[0]), str(author[1]), str(text))
    if command == "SUPER_CHAT_MESSAGE":
        data = told["data"]
        id = f"{data['uid']}.paid{data['id']}"
        return Said(id, str(data["uid"]), str(data["user_info"]["uname"]), str(data["message"]), paid=True)
    return None

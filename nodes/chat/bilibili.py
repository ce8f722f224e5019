"""chat.bilibili: the danmaku of a Bilibili live room.

Binary packets over a WebSocket, as its web page reads them; there is no public specification.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, SecretStr

from vaidol.nodes._provider import Provider
from vaidol.nodes.chat._crowd import Said
from vaidol.nodes.chat._remote import RemoteChat, RemoteChatSettings

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

HEADER = struct.Struct(">IHHII")  # length, length of the header, version, operation, sequence
PLAIN, COUNT, DEFLATED = 0, 1, 2  # version: JSON, a number, zlib around further packets
BEAT, BEATEN, MESSAGE, JOIN, JOINED = 2, 3, 5, 7, 8  # operation
BEAT_S = 30.0
MOST = 4 << 20  # bytes of one packet, inflated
INFO = "/xlive/web-room/v1/index/getDanmuInfo"


class BilibiliSettings(RemoteChatSettings):
    provider = Provider("Bilibili")

    base_url: str = Field("https://api.live.bilibili.com", pattern=r"^https?://[^\s/]+")
    """Address of the service."""
    socket_url: str = Field("", pattern=r"^$|^https?://[^\s/]+")
    """Address of the chat itself; empty: the one the service names."""
    room: int = Field(gt=0)
    """Number of the room, as in live.bilibili.com/NUMBER."""
    sessdata: SecretStr = SecretStr("")
    """Cookie SESSDATA of an account: without one, Bilibili hides names."""


class BilibiliChat(RemoteChat[BilibiliSettings]):
    """chat.bilibili: what is written in a live room; Super Chats count as paid.

    -> chat (Transcript: `who` wrote it, `rank` 3 = paid, 2 = speaks to the avatar, 1 = asks, 0 = other)
    """

    provider: ClassVar[Provider] = BilibiliSettings.provider

    @property
    def subject(self) -> str:
        return f"room {self.settings.room}"

    async def messages(self) -> AsyncGenerator[Said, None]:
        address, token = await self._place()
        async with self.service.socket(address, headers={}) as socket:
            about = {"uid": 0, "roomid": self.settings.room, "protover": DEFLATED, "platform": "web", "type": 2}
            await self._send(socket, JOIN, json.dumps({**about, "key": token}).encode())
            beating = self.ctx.spawn(self._beat(socket))
            try:
                while (data := await self.received(socket, self.settings.stall_s + BEAT_S)) is not None:
                    with self.service.parsed():
                        found = [said for told in unpacked(data) if (said := read(told)) is not None]
                    for said in found:
                        yield said
            finally:
                beating.cancel()
            raise self.service.wrong("broke the connection off", "unreachable", retryable=True)

    async def _place(self) -> tuple[str, str]:
        """Address of the chat, and the token that opens it."""
        cookie = self.settings.sessdata.get_secret_value()
        headers = {"Cookie": f"SESSDATA={cookie}"} if cookie else {}
        asked = {"id": str(self.settings.room), "type": "0"}
        async with self.service.ask("GET", INFO, headers=headers, params=asked) as answer:
            told = await answer.json()
        with self.service.parsed():
            if told["code"]:
                raise self.service.wrong(f"refused the room: {str(told.get('message', told['code']))[:100]}", "request")
            host = told["data"]["host_list"][0]
            address = self.settings.socket_url or f"https://{host['host']}:{host['wss_port']}"
            return f"{address}/sub", str(told["data"]["token"])

    async def _beat(self, socket: ClientWebSocketResponse) -> None:
        while not socket.closed:
            await self._send(socket, BEAT, b"")
            await self.ctx.clock.sleep(BEAT_S)

    async def _send(self, socket: ClientWebSocketResponse, operation: int, body: bytes) -> None:
        with self.service.explained("broke the connection off"):
            await self.service.next(socket.send_bytes(packed(operation, body)), self.settings.stall_s)


def packed(operation: int, body: bytes, version: int = COUNT) -> bytes:
    """One packet."""
    return HEADER.pack(HEADER.size + len(body), HEADER.size, version, operation, 1) + body


def unpacked(data: bytes, *, inner: bool = False) -> Iterator[Any]:
    """The JSON messages in `data`. Raises ValueError when it is something else."""
    at = 0
    while at < len(data):
        if len(data) - at < HEADER.size:
            raise ValueError("a packet without a header")
        length, header, version, operation, _ = HEADER.unpack_from(data, at)
        if not HEADER.size <= header <= length <= len(data) - at:
            raise ValueError("a packet of a wrong length")
        body = data[at + header : at + length]
        at += length
        if operation != MESSAGE:
            continue
        if version == DEFLATED and not inner:
            yield from unpacked(_inflated(body), inner=True)
        elif version == PLAIN:
            yield json.loads(body)


def read(told: Any) -> Said | None:
    """What somebody wrote, if that is what the message tells of."""
    command = str(told["cmd"]).partition(":")[0]
    if command == "DANMU_MSG":
        info = told["info"]
        return Said("", str(info[2][0]), str(info[2][1]), str(info[1]))
    if command == "SUPER_CHAT_MESSAGE":
        data = told["data"]
        return Said(str(data["id"]), str(data["uid"]), str(data["user_info"]["uname"]), str(data["message"]), paid=True)
    return None


def _inflated(body: bytes) -> bytes:
    inflate = zlib.decompressobj()
    try:
        out = inflate.decompress(body, MOST)
    except zlib.error as error:
        raise ValueError("a packet that cannot be inflated") from error
    if inflate.unconsumed_tail:
        raise ValueError("a packet that is too large")
    return out

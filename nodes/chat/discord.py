"""chat.discord: what is written in a Discord channel, read by a bot of your own.

Gateway v10, see https://discord.com/developers/docs/events/gateway
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.chat._crowd import Said
from vaidol.nodes.chat._remote import RemoteChat, RemoteChatSettings

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

DISPATCH, BEAT, IDENTIFY, RECONNECT, INVALID, HELLO, BEATEN = 0, 1, 2, 7, 9, 10, 11
INTENTS = 1 << 9 | 1 << 15  # messages of servers, and what they say
FINAL = {
    4004: "refused the key; check api_key",
    4013: "does not let this bot do that; update vaidol",
    4014: "does not let this bot read messages: switch on its Message Content intent in Discord's developer portal",
}


class DiscordSettings(RemoteChatSettings):
    provider = Provider("Discord", key="DISCORD_BOT_TOKEN")

    base_url: str = Field("https://gateway.discord.gg", pattern=r"^https?://[^\s/]+")
    """Address of the gateway."""
    channel: str = Field(min_length=1, max_length=30, pattern=r"^\d+$")
    """Id of the channel: in Discord's developer mode, "Copy channel id"."""


class DiscordChat(RemoteChat[DiscordSettings]):
    """chat.discord: what people, not bots, write in a channel; who mentions the bot comes before others.

    -> chat (Transcript: `who` wrote it, `rank` 3 = paid, 2 = speaks to the avatar, 1 = asks, 0 = other)
    """

    provider: ClassVar[Provider] = DiscordSettings.provider

    async def messages(self) -> AsyncGenerator[Said, None]:
        async with self.service.socket("/?v=10&encoding=json", headers={}) as socket:
            with self.service.parsed():
                hello = await self.received(socket, self.settings.first_s)
                beat_s = float(hello["d"]["heartbeat_interval"]) / 1000
            await self._send(socket, IDENTIFY, self._identity)
            life = _Life(beat_s)
            beating = self.ctx.spawn(self._beat(socket, life))
            try:
                while (told := await self.received(socket, self.settings.stall_s + beat_s)) is not None:
                    with self.service.parsed():
                        said = self._read(told, life)
                    if told.get("op") in (RECONNECT, INVALID):
                        return
                    if said is not None:
                        yield said
            finally:
                beating.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait((beating,), timeout=1.0)
            if socket.close_code in FINAL:
                raise self.service.wrong(FINAL[socket.close_code], "key")
            raise self.service.wrong("broke the connection off", "unreachable", retryable=True)

    @property
    def _identity(self) -> dict[str, Any]:
        about = {"os": "linux", "browser": "vaidol", "device": "vaidol"}
        return {"token": self.settings.key, "intents": INTENTS, "properties": about}

    def _read(self, told: Any, life: _Life) -> Said | None:
        life.seen = told.get("s") or life.seen
        if told["op"] != DISPATCH:
            return None
        data = told["d"]
        if told["t"] == "READY":
            life.me = data["user"]["id"]
        if told["t"] != "MESSAGE_CREATE" or data["channel_id"] != self.settings.channel or data["author"].get("bot"):
            return None
        author, text = data["author"], data["content"]
        for one in data.get("mentions", ()):  # <@123> as people see it
            shown = self.settings.mention if one["id"] == life.me and self.settings.mention else one["username"]
            text = text.replace(f"<@{one['id']}>", f"@{shown}")
        return Said(data["id"], author["id"], author.get("global_name") or author["username"], text)

    async def _beat(self, socket: ClientWebSocketResponse, life: _Life) -> None:
        while not socket.closed:
            await self.ctx.clock.sleep(life.beat_s)
            await self._send(socket, BEAT, life.seen)

    async def _send(self, socket: ClientWebSocketResponse, op: int, data: Any) -> None:
        with self.service.explained("broke the connection off"):
            await self.service.next(socket.send_json({"op": op, "d": data}), self.settings.stall_s)


class _Life:
    """What one connection must remember."""

    def __init__(self, beat_s: float) -> None:
        self.beat_s = beat_s
        self.seen: int | None = None
        self.me = ""

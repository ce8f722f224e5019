"""chat.discord: what is written in a Discord channel, read by a bot of your own, which can write the answers there.

Gateway v10, see https://docs.discord.com/developers/events/gateway, and its REST API for what is written.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from vaidol.graph.node import Context
from vaidol.nodes._http import Fault
from vaidol.nodes._provider import Provider
from vaidol.nodes.chat._crowd import Said
from vaidol.nodes.chat._remote import RemoteChat, RemoteChatSettings

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

DISPATCH, BEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, BEATEN = 0, 1, 2, 6, 7, 9, 10, 11
INTENTS = 1 << 9 | 1 << 15  # messages of servers, and what they say
FINAL = {
    4004: "refused the key; check api_key",
    4010: "does not let this bot in: it is too large for one connection",
    4011: "does not let this bot in: it is too large for one connection",
    4012: "no longer speaks version 10 of its gateway; update vaidol",
    4013: "does not let this bot do that; update vaidol",
    4014: "does not let this bot read messages: switch on its Message Content intent in Discord's developer portal",
}
FORGOTTEN = (4007, 4009)  # the session cannot be gone on with
GO_ON = 4000  # closed with this, Discord keeps the session for whoever comes back; with 1000 it does not
INVALID_S = 1.0, 5.0  # until another session is asked for after one was refused
SUPPRESS_EMBEDS = 1 << 2
USER_AGENT = "DiscordBot (vaidol, 1)"


class DiscordSettings(RemoteChatSettings):
    provider = Provider("Discord", key="DISCORD_BOT_TOKEN")

    base_url: str = Field("https://gateway.discord.gg", pattern=r"^https?://[^\s/]+")
    """Address of the gateway."""
    api_url: str = Field("https://discord.com/api/v10", pattern=r"^https?://[^\s/]+")
    """Address to which replies are written."""
    channel: str = Field(min_length=1, max_length=30, pattern=r"^\d+$")
    """Id of the channel: in Discord's developer mode, "Copy channel id"."""


class DiscordChat(RemoteChat[DiscordSettings]):
    """chat.discord: what people, not bots, write in a channel; who mentions the bot comes before others.

    answers (Transcript: the message being answered), spoken (Mark: what is heard of the answer)
    -> chat (Transcript: `who` wrote it, `rank` 3 = paid, 2 = speaks to the avatar, 1 = asks, 0 = other)
    """

    provider: ClassVar[Provider] = DiscordSettings.provider
    longest = 2000
    mentions = False
    faults: ClassVar = {
        "Missing Access": Fault("does not let the bot see this channel: give it the permission View Channel", "key"),
        "Missing Permissions": Fault("does not let the bot write here: give it the permission Send Messages", "key"),
    }

    def __init__(self, settings: DiscordSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._session = _Session()
        self._random = Random()

    @property
    def subject(self) -> str:
        return f"channel {self.settings.channel}"

    async def messages(self) -> AsyncGenerator[Said, None]:
        session = self._session
        address, session.url = session.url or self.settings.base_url, ""  # where nobody answers is not tried twice
        async with self.service.socket(f"{address}/?v=10&encoding=json", headers={}) as socket:
            with self.service.parsed():
                hello = await self.received(socket, self.settings.first_s)
                beat_s = float(hello["d"]["heartbeat_interval"]) / 1000
            session.url = address
            await self._send(socket, *self._greeting)
            life = _Life(beat_s)
            beating = self.ctx.spawn(self._beat(socket, life))
            try:
                while (told := await self.received(socket, self.settings.stall_s + beat_s)) is not None:
                    if told.get("op") == INVALID:
                        await self._refused(resumable=bool(told.get("d")))
                    if told.get("op") in (RECONNECT, INVALID):
                        await socket.close(code=GO_ON)
                        return
                    if told.get("op") == BEAT:
                        await self._send(socket, BEAT, session.seen)
                    with self.service.parsed():
                        said = self._read(told, life)
                    if said is not None:
                        yield said
            finally:
                beating.cancel()
            if socket.close_code in FINAL:
                raise self.service.wrong(FINAL[socket.close_code], "key")
            if socket.close_code in FORGOTTEN:
                self._session = _Session()
            raise self.service.wrong("broke the connection off", "unreachable", retryable=True)

    async def post(self, id: str, text: str) -> None:
        """No name in `text` notifies anybody, nor does a role or @everyone; the same answer is never there twice."""
        what = {
            "content": text,
            "flags": SUPPRESS_EMBEDS,
            "allowed_mentions": {"parse": []},
            "message_reference": {"message_id": id, "fail_if_not_exists": False},
            "nonce": id[:25],
            "enforce_nonce": True,
        }
        headers = {"Authorization": f"Bot {self.settings.key}", "User-Agent": USER_AGENT}
        path = f"{self.settings.api_url.rstrip('/')}/channels/{self.settings.channel}/messages"
        async with self.service.ask("POST", path, headers=headers, json=what) as answer:
            await answer.json()

    @property
    def _greeting(self) -> tuple[int, dict[str, Any]]:
        """How this bot takes up its session, or asks for one."""
        session = self._session
        if session.id:
            return RESUME, {"token": self.settings.key, "session_id": session.id, "seq": session.seen}
        about = {"os": "linux", "browser": "vaidol", "device": "vaidol"}
        return IDENTIFY, {"token": self.settings.key, "intents": INTENTS, "properties": about}

    async def _refused(self, *, resumable: bool) -> None:
        if not resumable:
            self._session = _Session()
        await self.ctx.clock.sleep(self._random.uniform(*INVALID_S))

    def _read(self, told: Any, life: _Life) -> Said | None:
        session = self._session
        session.seen = told.get("s") or session.seen
        life.answered = life.answered or told["op"] == BEATEN
        if told["op"] != DISPATCH:
            return None
        data = told["d"]
        if told["t"] == "READY":
            session.me, session.id = data["user"]["id"], data.get("session_id", "")
            if url := data.get("resume_gateway_url"):
                session.url = "http" + str(url).removeprefix("ws")
        if told["t"] in ("MESSAGE_DELETE", "MESSAGE_DELETE_BULK") and data["channel_id"] == self.settings.channel:
            for id in data.get("ids") or [data["id"]]:
                self.take_back(id=id)
        if told["t"] != "MESSAGE_CREATE" or data["channel_id"] != self.settings.channel or data["author"].get("bot"):
            return None
        author, text = data["author"], data["content"]
        for one in data.get("mentions", ()):  # <@123> as people see it
            shown = self.settings.mention if one["id"] == session.me and self.settings.mention else one["username"]
            text = text.replace(f"<@{one['id']}>", f"@{shown}")
        return Said(data["id"], author["id"], author.get("global_name") or author["username"], text)

    async def _beat(self, socket: ClientWebSocketResponse, life: _Life) -> None:
        """Show signs of life; a connection without an answer to the last one is dead."""
        wait_s = life.beat_s * self._random.random()
        while not socket.closed:
            await self.ctx.clock.sleep(wait_s)
            if not life.answered:
                await socket.close(code=GO_ON)
                return
            life.answered, wait_s = False, life.beat_s
            await self._send(socket, BEAT, self._session.seen)

    async def _send(self, socket: ClientWebSocketResponse, op: int, data: Any) -> None:
        with self.service.explained("broke the connection off"):
            await self.service.next(socket.send_json({"op": op, "d": data}), self.settings.stall_s)


class _Session:
    """What Discord knows this bot by: it goes on over a lost connection, and nothing written meanwhile is missed."""

    def __init__(self) -> None:
        self.id = ""
        self.url = ""  # where it can be taken up
        self.seen: int | None = None
        self.me = ""


class _Life:
    """Of one connection."""

    def __init__(self, beat_s: float) -> None:
        self.beat_s = beat_s
        self.answered = True

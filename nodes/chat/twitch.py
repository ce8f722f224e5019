"""chat.twitch: the chat of a Twitch channel, read without an account; with one, the avatar writes there too.

IRC with IRCv3 tags, see https://dev.twitch.tv/docs/chat/irc/
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import AsyncGenerator
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Context
from vaidol.nodes.chat._crowd import ChatSettings, Said
from vaidol.nodes.chat._source import ChatSource

LONGEST = 16_384  # bytes of one line: 8191 of tags, 512 of the rest, and room
CONNECT_S = 10.0
SILENT_S = 360.0  # Twitch pings every five minutes
CAPABILITIES = "CAP REQ :twitch.tv/tags twitch.tv/commands\r\n"
GUEST = "justinfan48151"  # any justinfan number reads without a password
ESCAPES = {":": ";", "s": " ", "r": "\r", "n": "\n", "\\": "\\"}


PAID = {"sub", "resub", "subgift", "submysterygift", "giftpaidupgrade", "primepaidupgrade"}  # of USERNOTICE
WRONG_TOKEN = re.compile("authentication failed|improperly formatted|login unsuccessful|invalid nick", re.IGNORECASE)
REFUSED = re.compile("msg_|no_permission$|invalid_parent$|unrecognized_cmd$")  # msg-id of a NOTICE: it was not written


class TwitchSettings(ChatSettings):
    channel: str = Field(min_length=1, max_length=60, pattern=r"^#?[A-Za-z0-9_]+$")
    """Name of the channel, as in twitch.tv/NAME."""
    account: str = Field("", max_length=60, pattern=r"^[A-Za-z0-9_]*$")
    """Name of the account that writes the replies."""
    token: SecretStr = SecretStr("")
    """Access token of that account, with the scopes chat:read and chat:edit; empty: from TWITCH_TOKEN."""
    url: str = Field("ircs://irc.chat.twitch.tv:6697", pattern=r"^ircs?://[^\s/:]+:\d+$")
    """Address of the server; irc:// is without encryption."""

    @model_validator(mode="after")
    def _can_reply(self) -> Self:
        if self.reply and not (self.account and self.login):
            raise ValueError("to reply, Twitch wants an account and its token: account, and token or TWITCH_TOKEN")
        return self

    @property
    def login(self) -> str:
        """The token, from the settings or the environment."""
        return (self.token.get_secret_value() or os.environ.get("TWITCH_TOKEN", "")).removeprefix("oauth:")


class TwitchChat(ChatSource[TwitchSettings]):
    """chat.twitch: what is written in a Twitch channel; cheers and subscriptions with a message count as paid.

    answers (Transcript: the message being answered), spoken (Mark: what is heard of the answer)
    -> chat (Transcript: `who` wrote it, `rank` 3 = paid, 2 = speaks to the avatar, 1 = asks, 0 = other)
    """

    longest = 500
    mentions = False

    def __init__(self, settings: TwitchSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._channel = "#" + settings.channel.removeprefix("#").lower()
        self._writer: asyncio.StreamWriter | None = None  # where it may write

    async def messages(self) -> AsyncGenerator[Said, None]:
        reader, writer = await self._connect()
        try:
            await self._send(writer, f"{CAPABILITIES}{self._login}JOIN {self._channel}\r\n")
            while line := await self._line(reader):
                tags, who, command, rest = parse(line)
                if command == "PING":
                    await self._send(writer, f"PONG :{rest[-1] if rest else ''}\r\n")
                elif command == "RECONNECT":
                    return
                elif command == "001" and self.settings.reply:
                    self._writer = writer
                elif command == "NOTICE":
                    self._notice(tags, rest)
                elif command in ("CLEARMSG", "CLEARCHAT"):
                    self.take_back(id=tags.get("target-msg-id", ""), user=tags.get("target-user-id", ""))
                elif command in ("PRIVMSG", "USERNOTICE") and len(rest) == 2 and rest[0] == self._channel:
                    yield said(tags, who, rest[1])
        finally:
            self._writer = None
            writer.close()

    async def post(self, id: str, text: str) -> None:
        if self._writer is None:
            raise ProviderError("the Twitch chat is not connected", retryable=True, code="unreachable")
        tag = f"@reply-parent-msg-id={id} " if re.fullmatch(r"[\w-]+", id) else ""
        await self._send(self._writer, f"{tag}PRIVMSG {self._channel} :{text}\r\n")

    @property
    def _login(self) -> str:
        if not self.settings.reply:
            return f"NICK {GUEST}\r\n"
        return f"PASS oauth:{self.settings.login}\r\nNICK {self.settings.account.lower()}\r\n"

    def _notice(self, tags: dict[str, str], rest: list[str]) -> None:
        """What Twitch says of what was sent. Raises `ProviderError` when it does not let the account in."""
        words = rest[-1] if rest else ""
        if "msg-id" not in tags and WRONG_TOKEN.search(words):
            raise ProviderError(f"Twitch refused the token of '{self.settings.account}'; check token", code="key")
        if REFUSED.match(tags.get("msg-id", "")):
            self.ctx.count("refused")
            self.ctx.trouble(f"Twitch did not take the reply: {words[:200]}", code="refused")

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        url = urlsplit(self.settings.url)
        secure = ssl.create_default_context() if url.scheme == "ircs" else None
        try:
            async with asyncio.timeout(CONNECT_S):
                return await asyncio.open_connection(url.hostname, url.port, ssl=secure, limit=LONGEST)
        except (OSError, TimeoutError) as error:
            raise ProviderError("the Twitch chat cannot be reached", retryable=True, code="unreachable") from error

    async def _line(self, reader: asyncio.StreamReader) -> str:
        """The next line; "" at the end."""
        try:
            async with asyncio.timeout(SILENT_S):
                return (await reader.readline()).decode(errors="replace")
        except (OSError, TimeoutError, ValueError) as error:  # ValueError: a line without an end
            raise ProviderError("the Twitch chat broke off", retryable=True, code="unreachable") from error

    async def _send(self, writer: asyncio.StreamWriter, text: str) -> None:
        try:
            writer.write(text.encode())
            async with asyncio.timeout(CONNECT_S):
                await writer.drain()
        except (OSError, TimeoutError) as error:
            raise ProviderError("the Twitch chat broke off", retryable=True, code="unreachable") from error


def parse(line: str) -> tuple[dict[str, str], str, str, list[str]]:
    """Tags, who sent it, command and parameters of one IRC line; what is missing is empty."""
    line = line.rstrip("\r\n")
    tags: dict[str, str] = {}
    who = ""
    if line.startswith("@"):
        raw, _, line = line[1:].partition(" ")
        for tag in raw.split(";"):
            name, _, value = tag.partition("=")
            tags[name] = _unescaped(value)
    line = line.lstrip(" ")
    if line.startswith(":"):
        source, _, line = line[1:].partition(" ")
        who = source.partition("!")[0]
    head, colon, trailing = line.lstrip(" ").partition(" :")
    words = head.split()
    if not words:
        return tags, who, "", []
    return tags, who, words[0].upper(), words[1:] + ([trailing] if colon else [])


def said(tags: dict[str, str], who: str, text: str) -> Said:
    """A message of the channel: /me is what one does, and reads like a text. Announcements are a USERNOTICE too."""
    if text.startswith("\x01ACTION "):
        text = text.removeprefix("\x01ACTION ").rstrip("\x01")
    name = tags.get("display-name") or who
    paid = tags.get("msg-id") in PAID or "bits" in tags or "pinned-chat-paid-amount" in tags
    return Said(tags.get("id", ""), tags.get("user-id") or who, name, text, paid)


def _unescaped(value: str) -> str:
    out, escaped = [], False
    for sign in value:
        if escaped:
            out.append(ESCAPES.get(sign, sign))
            escaped = False
        elif sign == "\\":
            escaped = True
        else:
            out.append(sign)
    return "".join(out)

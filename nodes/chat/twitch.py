"""chat.twitch: the chat of a Twitch channel, read without an account.

IRC with IRCv3 tags, see https://dev.twitch.tv/docs/chat/irc/
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.nodes.chat._crowd import ChatSettings, Said
from vaidol.nodes.chat._source import ChatSource

LONGEST = 16_384  # bytes of one line: 8191 of tags, 512 of the rest, and room
CONNECT_S = 10.0
SILENT_S = 360.0  # Twitch pings every five minutes
GUEST = "justinfan48151"  # any justinfan number reads without a password
ESCAPES = {":": ";", "s": " ", "r": "\r", "n": "\n", "\\": "\\"}


class TwitchSettings(ChatSettings):
    channel: str = Field(min_length=1, max_length=60, pattern=r"^#?[A-Za-z0-9_]+$")
    """Name of the channel, as in twitch.tv/NAME."""
    url: str = Field("ircs://irc.chat.twitch.tv:6697", pattern=r"^ircs?://[^\s/:]+:\d+$")
    """Address of the server; irc:// is without encryption."""


class TwitchChat(ChatSource[TwitchSettings]):
    """chat.twitch: what is written in a Twitch channel; cheers and subscriptions with a message count as paid.

    -> chat (Transcript: `who` wrote it, `rank` 3 = paid, 2 = speaks to the avatar, 1 = asks, 0 = other)
    """

    async def messages(self) -> AsyncGenerator[Said, None]:
        reader, writer = await self._connect()
        try:
            channel = "#" + self.settings.channel.removeprefix("#").lower()
            await self._send(
                writer, f"CAP REQ :twitch.tv/tags twitch.tv/commands\r\nNICK {GUEST}\r\nJOIN {channel}\r\n"
            )
            while line := await self._line(reader):
                tags, who, command, rest = parse(line)
                if command == "PING":
                    await self._send(writer, f"PONG :{rest[-1] if rest else ''}\r\n")
                elif command == "RECONNECT":
                    return
                elif command in ("PRIVMSG", "USERNOTICE") and len(rest) == 2 and rest[0] == channel:
                    yield said(tags, who, rest[1], paid=command == "USERNOTICE")
        finally:
            writer.close()

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


def said(tags: dict[str, str], who: str, text: str, *, paid: bool) -> Said:
    """A message of the channel: /me is what one does, and reads like a text."""
    if text.startswith("\x01ACTION "):
        text = text.removeprefix("\x01ACTION ").rstrip("\x01")
    name = tags.get("display-name") or who
    return Said(tags.get("id", ""), tags.get("user-id") or who, name, text, paid or bool(tags.get("bits")))


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

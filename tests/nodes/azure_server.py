"""The other side of Azure's speech protocol, for both directions; Microsoft's own SDK (1.53) is content with it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from tests.nodes.local_server import KEY, LocalServer

WORD_MS = 200


class AzureServer:
    """Two handlers for `LocalServer.socket`; `heard`: what is understood of any sound of a second, phrase by phrase."""

    def __init__(self, server: LocalServer, *, heard: Sequence[str] = (), sound: Sequence[bytes] = ()) -> None:
        self.server = server
        self.heard = heard
        self.sound = sound
        self.texts: list[str] = []  # to be spoken
        self.context: dict[str, Any] = {}  # of the newest turn

    async def hear(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """Speech to text: a hypothesis when there is sound, the phrases when it has ended."""
        self._check(request, "/speech/recognition/conversation/cognitiveservices/v1")
        came = pieces = 0
        async for message in socket:
            path, name, body = _taken(message.data)
            if path == "speech.context":
                self.context = json.loads(body)
                language = self.context["phraseDetection"]["language"]
                self._note(request.query.get("language") == language == "en-US", f"language {language}")
            if path != "audio":
                continue
            if body.startswith(b"RIFF"):
                self._note(
                    came == 0 and b"\x80\x3e\0\0" in body, "a WAV header that is not of 16 kHz, or not the first"
                )
                continue
            if pieces == self.server.after and await self.server.misbehave(request):
                await socket.send_str(_text("speech.phrase", name, {})[:-1] + '"RecognitionStatus": "Succ')
            if not pieces:
                await socket.send_str(_text("turn.start", name, {"context": {"serviceTag": "1"}}))
                await socket.send_str(_text("speech.startDetected", name, {"Offset": 0}))
            pieces += 1
            came += len(body)
            if not body:
                self._note(abs(came - 32_000) < 100, f"{came} bytes came")
                await self._tell(socket, name)
                return
            words = self.heard[0].split()[: 1 if came < 16_000 else 2]
            told = {"Text": " ".join(words).lower(), "Offset": 0, "Duration": came * 312}
            await socket.send_str(_text("speech.hypothesis", name, told))

    async def _tell(self, socket: web.WebSocketResponse, name: str) -> None:
        await socket.send_str(_text("speech.endDetected", name, {"Offset": 10_000_000}))
        for text in self.heard:
            told = {"RecognitionStatus": "Success", "DisplayText": text, "Offset": 0, "Duration": 10_000_000}
            await socket.send_str(_text("speech.phrase", name, told))
        for status in ("InitialSilenceTimeout", "EndOfDictation"):
            told = {"RecognitionStatus": status, "Offset": 10_000_000, "Duration": 0}
            await socket.send_str(_text("speech.phrase", name, told))
        await socket.send_str(_text("turn.end", name, {}))

    async def speak(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """Text to speech: any number of turns over one connection."""
        self._check(request, "/cognitiveservices/websocket/v1")
        async for message in socket:
            path, name, body = _taken(message.data)
            if path == "synthesis.context":
                self.context = json.loads(body)["synthesis"]["audio"]
                self._note(self.context["outputFormat"] == "raw-24khz-16bit-mono-pcm", "another kind of sound")
            elif path == "ssml":
                if b"nobody" in body:
                    await socket.close(code=1007, message=b"Unsupported voice nobody.")
                    return
                self.texts.append(html.unescape(re.sub("<[^>]*>", "", body.decode())))
                await self._say(request, socket, name)

    async def _say(self, request: web.Request, socket: web.WebSocketResponse, name: str) -> None:
        for path in ("turn.start", "response"):
            await socket.send_str(_text(path, name, {"context": {"serviceTag": "1"}}))
        for number, word in enumerate(re.findall(r"[\w']+|[.,?!]", self.texts[-1])):
            kind = "WordBoundary" if word[0].isalnum() else "PunctuationBoundary"
            data = {
                "Offset": number * WORD_MS * 10_000, "Duration": WORD_MS * 10_000,
                "text": {"Text": word, "Length": len(word), "BoundaryType": kind},
            }  # fmt: skip
            told = {"Metadata": [{"Type": "WordBoundary", "Data": data}]}
            await socket.send_str(_text("audio.metadata", name, told))
        for number, piece in enumerate(self.sound):
            if number == self.server.after and await self.server.misbehave(request):
                if self.server.behaviour == "half":
                    await socket.send_str(_text("audio.metadata", name, {"Metadata": []})[:-3])
                break
            size = 16 if self.server.behaviour == "trickle" else len(piece)
            for at in range(0, len(piece), size):
                await socket.send_bytes(_binary(name, piece[at : at + size]))
        await socket.send_str(_text("turn.end", name, {}))

    def _check(self, request: web.Request, path: str) -> None:
        connection = request.headers.get("X-ConnectionId", "")
        self._note(request.path == path, f"asked for {request.path}")
        self._note(request.headers.get("Ocp-Apim-Subscription-Key") == KEY, "another key")
        self._note(re.fullmatch("[0-9a-f]{32}", connection) is not None, "no connection id")

    def _note(self, right: bool, wrong: str) -> None:
        self.server.wrong += [] if right else [wrong]


def _text(path: str, name: str, body: dict[str, Any]) -> str:
    head = f"X-RequestId:{name}\r\nContent-Type:application/json; charset=utf-8\r\nPath:{path}\r\n\r\n"
    return head + json.dumps(body)


def _binary(name: str, data: bytes) -> bytes:
    head = f"X-RequestId:{name}\r\nX-StreamId:A1\r\nContent-Type:audio/x-wav\r\nPath:audio\r\n".encode()
    return len(head).to_bytes(2, "big") + head + data


def _taken(data: str | bytes) -> tuple[str, str, bytes]:
    """Path, request and body of a message of the client."""
    if isinstance(data, str):
        head, _, body = data.partition("\r\n\r\n")
        said = body.encode()
    else:
        size = int.from_bytes(data[:2], "big")
        head, said = data[2 : 2 + size].decode(), data[2 + size :]
    named = dict(line.split(":", 1) for line in head.split("\r\n") if ":" in line)
    return named["Path"], named.get("X-RequestId", ""), said

"""A local WebSocket server that speaks the protocol of Edge's voices, as the package edge-tts expects it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Literal

import numpy as np
from aiohttp import WSMessage, WSMsgType, web

from tests.local import Local

Behaviour = Literal["normal", "refuse", "silent", "stall", "break", "no_mp3", "strange_path", "short", "handshake"]
RATE = 24_000
WORD_MS, FIRST_MS = 150, 100  # a word is so long, and the first begins so late


def mp3(samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> bytes:
    """24 kHz mono MP3 at 48 kbit/s without a header, as the service sends it."""
    import av

    codec = av.CodecContext.create("libmp3lame", "w")
    codec.sample_rate, codec.bit_rate, codec.layout, codec.format = RATE, 48_000, "mono", "fltp"  # type: ignore[attr-defined]
    data = b""
    for at in range(0, len(samples), 576):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + 576], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, at
        data += b"".join(bytes(packet) for packet in codec.encode(frame))  # type: ignore[attr-defined]
    return data + b"".join(bytes(packet) for packet in codec.encode(None))  # type: ignore[attr-defined]


class EdgeServer(Local):
    """Answers every text with a second of a 440 Hz tone, as `behaviour` says, `after` so many binary messages."""

    scheme, path = "ws", "/edge?token=x"

    def __init__(self) -> None:
        super().__init__()
        self.behaviour: Behaviour = "normal"
        self.after = 0
        self.ssml: list[str] = []
        self.tone = mp3((0.5 * np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE)).astype(np.float32))

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/edge", self._speak)]

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        if self.behaviour == "handshake":
            await self.closing.wait()
        if self.behaviour == "refuse":
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive_str()  # speech.config
        request_text = await socket.receive_str()
        self.ssml.append(request_text.partition("\r\n\r\n")[2])
        try:
            await self._answer(request, socket)
        except (asyncio.CancelledError, ConnectionError):
            self.left += 1
            raise
        return socket

    async def _answer(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        await socket.send_str("X-RequestId:1\r\nPath:turn.start\r\n\r\n{}")
        await socket.send_str("X-RequestId:1\r\nPath:response\r\n\r\n{}")
        for number, word in enumerate(re.findall(r"[\w']+", re.sub("<[^>]*>", " ", self.ssml[-1]))):
            await socket.send_str(f"X-RequestId:1\r\nPath:audio.metadata\r\n\r\n{_word(number, word)}")
        tone = b"not an MP3 at all" * 200 if self.behaviour == "no_mp3" else self.tone
        pieces = [tone[at : at + 720] for at in range(0, len(tone), 720)]
        for number, piece in enumerate([] if self.behaviour == "silent" else pieces):
            if number == self.after and await self._misbehave(request, socket):
                return
            await socket.send_bytes(_binary("X-RequestId:1\r\nContent-Type:audio/mpeg\r\nPath:audio\r\n", piece))
        await socket.send_bytes(_binary("X-RequestId:1\r\nPath:audio\r\n", b""))
        await socket.send_str("X-RequestId:1\r\nPath:turn.end\r\n\r\n{}")
        await socket.receive()

    async def _misbehave(self, request: web.Request, socket: web.WebSocketResponse) -> bool:
        """True when nothing follows."""
        match self.behaviour:
            case "stall":
                left: WSMessage = await socket.receive()
                self.left += left.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING)
                return True
            case "break":
                assert request.transport is not None
                request.transport.abort()
                return True
            case "strange_path":
                await socket.send_str("X-RequestId:1\r\nPath:surprise\r\n\r\n{}")
            case "short":
                await socket.send_bytes(b"\x00")
        return False


def _word(number: int, word: str) -> str:
    """When a word is spoken, in the service's ticks of 100 ns."""
    begin = (FIRST_MS + number * WORD_MS) * 10_000
    data = {"Offset": begin, "Duration": WORD_MS * 10_000, "text": {"Text": word, "Length": len(word)}}
    return json.dumps({"Metadata": [{"Type": "WordBoundary", "Data": data}]})


def _binary(headers: str, data: bytes) -> bytes:
    return len(headers).to_bytes(2, "big") + headers.encode() + data

"""tts.azure: Microsoft's neural voices by the Azure speech service, streamed with the times of the words.

WebSocket /cognitiveservices/websocket/v1, the protocol of its SDK: see `_azure`
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, ClassVar
from xml.sax.saxutils import escape, quoteattr

from pydantic import Field

from vaidol.graph.frames import Word
from vaidol.nodes._azure import MS, SYSTEM, Line, address, headers, request_id, text_message
from vaidol.nodes._provider import Listing, Provider
from vaidol.nodes.tts._remote import ServiceSpeaker, VoiceSettings

PATH = "/cognitiveservices/websocket/v1"
WANTED = {
    "synthesis": {
        "audio": {"outputFormat": "raw-24khz-16bit-mono-pcm", "metadataOptions": {"wordBoundaryEnabled": True}},
        "language": {"autoDetection": False},
    }
}


class AzureTtsSettings(VoiceSettings):
    provider = Provider("Azure speech", key="AZURE_SPEECH_KEY", streaming=True, words=True)

    region: str = Field("westeurope", pattern=r"^[a-z0-9]+$")
    """Region of the resource."""
    base_url: str = Field("", pattern=r"^($|https?://[^\s/]+)")
    """Address of the service; empty: that of the region."""
    voice: str = Field("en-US-AvaMultilingualNeural", pattern=r"^[a-zA-Z]{2,3}(-[\w]+)+(:\w+)?$")
    """Name of the voice."""
    style: str = Field("", pattern=r"^[a-z-]*$")
    """Speaking style, such as cheerful; empty: none."""
    rate: int = Field(0, ge=-50, le=100)
    """Tempo, % faster (slower if negative) than the voice's own."""
    pitch: int = Field(0, ge=-50, le=50)
    """Pitch, % above (below if negative) the voice's own."""


class AzureTts(ServiceSpeaker[AzureTtsSettings]):
    """tts.azure: speak with the Azure speech service, word times included.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = AzureTtsSettings.provider
    raw = 24_000

    def identity(self) -> dict[str, str]:
        return headers(self.settings)

    async def open(self) -> None:
        url = address(self.settings, self.settings.region, "tts")
        self.listing = Listing(f"{url}/cognitiveservices/voices/list", field="ShortName")
        await super().open()
        self._line = Line(self.service, self._place)

    async def close(self) -> None:
        if hasattr(self, "_line"):  # else `open` failed
            await self._line.close()
        await super().close()

    async def pieces(self, text: str) -> AsyncGenerator[bytes | Word, None]:
        request = request_id()
        asked = (
            text_message("speech.config", request, SYSTEM), text_message("synthesis.context", request, WANTED),
            text_message("ssml", request, self._ssml(text)),
        )  # fmt: skip
        async with aclosing(self._line.turn(asked)) as told:
            async for path, body in told:
                if path == "audio":
                    yield body
                elif path == "audio.metadata":
                    with self.service.parsed():
                        words = list(_words(json.loads(body)))
                    for word in words:
                        yield word

    def _place(self) -> tuple[str, dict[str, str], dict[str, Any]]:
        url = address(self.settings, self.settings.region, "tts") + PATH
        return url, headers(self.settings), {"protocols": ("USP",)}

    def _ssml(self, text: str) -> str:
        wanted = self.settings
        said = f'<prosody rate="{wanted.rate:+d}%" pitch="{wanted.pitch:+d}%">{escape(text)}</prosody>'
        if wanted.style:
            said = f'<mstts:express-as style="{wanted.style}">{said}</mstts:express-as>'
        language = "-".join(wanted.voice.split("-")[:2])
        return (
            '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" '
            f'xmlns:mstts="https://www.w3.org/2001/mstts" xml:lang="{language}">'
            f"<voice name={quoteattr(wanted.voice)}>{said}</voice></speak>"
        )


def _words(told: dict[str, Any]) -> Iterator[Word]:
    for one in told["Metadata"]:
        data = one["Data"]
        if one["Type"] == "WordBoundary" and data["text"].get("BoundaryType", "WordBoundary") == "WordBoundary":
            yield Word(data["text"]["Text"], data["Offset"] / MS, (data["Offset"] + data["Duration"]) / MS)

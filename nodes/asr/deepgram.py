"""asr.deepgram: Deepgram's recognizer, which hears the utterance while it is still spoken.

WebSocket /v1/listen, see https://developers.deepgram.com/reference/speech-to-text/listen-streaming
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.asr._listener import RATE
from vaidol.nodes.asr._streamed import StreamedListener, StreamedSettings, Told


class DeepgramAsrSettings(StreamedSettings):
    provider = Provider("Deepgram", key="DEEPGRAM_API_KEY", streaming=True, interim=True)

    base_url: str = Field("https://api.deepgram.com", pattern=r"^https?://[^\s/]+")
    """Address of the service."""
    model: str = "nova-3"
    """Name of the model."""
    language: str = "en"
    """Language spoken, or "multi"."""
    words: tuple[str, ...] = Field((), max_length=100)
    """Names and rare words to listen for (keyterm)."""


class DeepgramAsr(StreamedListener[DeepgramAsrSettings]):
    """asr.deepgram: recognize speech while it is spoken.

    audio (Utterance, any rate), partial (Utterance) -> transcript (Transcript)
    """

    provider: ClassVar[Provider] = DeepgramAsrSettings.provider

    def place(self) -> tuple[str, dict[str, str], dict[str, Any]]:
        wanted = self.settings
        told = [
            ("model", wanted.model), ("language", wanted.language), ("encoding", "linear16"), ("channels", "1"),
            ("sample_rate", str(RATE)), ("interim_results", "true"), ("smart_format", "true"),
        ]  # fmt: skip
        told += [("keyterm", word) for word in wanted.words]
        return "/v1/listen", {"Authorization": f"Token {wanted.key}"}, {"params": told}

    def closing(self) -> str:
        return '{"type": "CloseStream"}'

    def told(self, data: str | bytes) -> Told:
        message = json.loads(data)
        match message["type"]:
            case "Results":
                text = message["channel"]["alternatives"][0]["transcript"]
                return Told(firm=text, soft="") if message["is_final"] else Told(soft=text)
            case "Metadata":
                return Told(over=True)
        return Told()

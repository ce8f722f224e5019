"""asr.azure: the Azure speech service, which hears the utterance while it is still spoken.

WebSocket /speech/recognition/conversation/cognitiveservices/v1, the protocol of its SDK: see `_azure`
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from vaidol.graph.frames import EMPTY
from vaidol.nodes._azure import SYSTEM, address, headers, request_id, sound_message, taken, text_message
from vaidol.nodes._provider import Provider
from vaidol.nodes._sound import wav
from vaidol.nodes.asr._languages import WithCountry
from vaidol.nodes.asr._listener import RATE
from vaidol.nodes.asr._streamed import StreamedListener, StreamedSettings, Told

PATH = "/speech/recognition/conversation/cognitiveservices/v1"
FAULTS = {"BadRequest": 400, "Forbidden": 403, "TooManyRequests": 429, "ServiceUnavailable": 503}  # as HTTP has them
NOTHING = ("NoMatch", "InitialSilenceTimeout", "BabbleTimeout", "EndOfDictation")


class AzureAsrSettings(StreamedSettings):
    provider = Provider("Azure speech", key="AZURE_SPEECH_KEY", streaming=True, interim=True)

    region: str = Field("westeurope", pattern=r"^[a-z0-9]+$")
    """Region of the resource."""
    base_url: str = Field("", pattern=r"^($|https?://[^\s/]+)")
    """Address of the service; empty: that of the region."""
    language: WithCountry = Field("en-US", pattern=r"^[a-z]{2,3}(-[A-Za-z]+)?-[A-Z]{2}$")
    """Language spoken, with its country: "en-US", "de-DE"."""
    words: tuple[str, ...] = Field((), max_length=500)
    """Names and rare words to listen for (a list of phrases)."""


class AzureAsr(StreamedListener[AzureAsrSettings]):
    """asr.azure: recognize speech with the Azure speech service, while it is spoken.

    audio (Utterance, any rate), partial (Utterance) -> transcript (Transcript)
    """

    provider: ClassVar[Provider] = AzureAsrSettings.provider
    _request = ""

    def place(self) -> tuple[str, dict[str, str], dict[str, Any]]:
        wanted = self.settings
        url = address(wanted, wanted.region, "stt") + PATH
        return url, headers(wanted), {"params": {"language": wanted.language}, "protocols": ("USP",)}

    def opening(self) -> Iterator[str | bytes]:
        self._request = request_id()
        context: dict[str, Any] = {"phraseDetection": {"language": self.settings.language}}
        if self.settings.words:
            listed = [{"Text": word} for word in self.settings.words]
            context["dgi"] = {"Groups": [{"Type": "Generic", "Items": listed}], "bias": 1.0}
        yield text_message("speech.config", self._request, SYSTEM)
        yield text_message("speech.context", self._request, context)
        yield sound_message(self._request, wav(EMPTY, RATE))

    def piece(self, data: bytes) -> bytes:
        return sound_message(self._request, data)

    def closing(self) -> bytes:
        return sound_message(self._request, b"")

    def told(self, data: str | bytes) -> Told:
        path, body = taken(data)
        if path == "turn.end":
            return Told(over=True)
        if path not in ("speech.hypothesis", "speech.fragment", "speech.phrase"):
            return Told()
        message = json.loads(body)
        if path != "speech.phrase":
            return Told(soft=message["Text"])
        status = message["RecognitionStatus"]
        if status != "Success" and status not in NOTHING:
            raise self.service.status(FAULTS.get(status, 500), status)
        return Told(firm=message.get("DisplayText", ""), soft="")

"""asr.azure: the Azure speech service, for utterances of up to a minute.

POST /speech/recognition/conversation/cognitiveservices/v1, see
https://learn.microsoft.com/azure/ai-services/speech-service/rest-speech-to-text-short
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.asr._listener import Heard
from vaidol.nodes.asr._remote import RemoteListener, RemoteListenerSettings

SILENT = ("NoMatch", "InitialSilenceTimeout", "BabbleTimeout")


class AzureAsrSettings(RemoteListenerSettings):
    provider = Provider("Azure speech", key="AZURE_SPEECH_KEY")

    region: str = Field("westeurope", pattern=r"^[a-z0-9]+$")
    """Region of the resource."""
    base_url: str = Field("", pattern=r"^($|https?://[^\s/]+)")
    """Address of the service; empty: that of the region."""
    language: str = Field("en-US", pattern=r"^[a-z]{2,3}-[A-Z]{2}$")
    """Language spoken, with its country: "en-US", "de-DE"."""


class AzureAsr(RemoteListener[AzureAsrSettings]):
    """asr.azure: recognize speech with the Azure speech service.

    audio (Utterance, any rate), partial (Utterance) -> transcript (Transcript)
    """

    provider: ClassVar[Provider] = AzureAsrSettings.provider

    def asks(self, sound: bytes) -> tuple[str, dict[str, str], dict[str, Any]]:
        wanted = self.settings
        address = wanted.base_url or f"https://{wanted.region}.stt.speech.microsoft.com"
        headers = {
            "Ocp-Apim-Subscription-Key": wanted.key,
            "Content-Type": "audio/wav; codecs=audio/pcm; samplerate=16000",
            "Accept": "application/json",
        }
        what = {"data": sound, "params": {"language": wanted.language, "format": "simple"}}
        return f"{address.rstrip('/')}/speech/recognition/conversation/cognitiveservices/v1", headers, what

    def words(self, told: Any) -> Heard:
        status = told["RecognitionStatus"]
        if status != "Success" and status not in SILENT:
            raise ValueError(status)
        return Heard(told.get("DisplayText", ""), self.settings.language.partition("-")[0])

"""tts.azure: Microsoft's neural voices by the Azure speech service.

POST /cognitiveservices/v1 with SSML, see
https://learn.microsoft.com/azure/ai-services/speech-service/rest-text-to-speech
"""

from __future__ import annotations

from typing import ClassVar
from xml.sax.saxutils import escape, quoteattr

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings


class AzureTtsSettings(VoiceSettings):
    provider = Provider("Azure speech", key="AZURE_SPEECH_KEY", streaming=True)

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


class AzureTts(RemoteSpeaker[AzureTtsSettings]):
    """tts.azure: speak with the Azure speech service.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = AzureTtsSettings.provider
    raw = 24_000

    def asks(self, text: str) -> Ask:
        wanted = self.settings
        address = wanted.base_url or f"https://{wanted.region}.tts.speech.microsoft.com"
        said = f'<prosody rate="{wanted.rate:+d}%" pitch="{wanted.pitch:+d}%">{escape(text)}</prosody>'
        if wanted.style:
            said = f'<mstts:express-as style="{wanted.style}">{said}</mstts:express-as>'
        language = "-".join(wanted.voice.split("-")[:2])
        ssml = (
            '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" '
            f'xmlns:mstts="https://www.w3.org/2001/mstts" xml:lang="{language}">'
            f"<voice name={quoteattr(wanted.voice)}>{said}</voice></speak>"
        )
        headers = {
            "Ocp-Apim-Subscription-Key": wanted.key,
            "Content-Type": "application/ssml+xml",
            "X-Microsoft-OutputFormat": "raw-24khz-16bit-mono-pcm",
            "User-Agent": "vaidol",
        }
        return Ask(f"{address.rstrip('/')}/cognitiveservices/v1", headers, {"data": ssml.encode()})

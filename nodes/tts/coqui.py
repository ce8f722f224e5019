"""tts.coqui: your own server of Coqui TTS (`tts-server`).

GET /api/tts, see https://docs.coqui.ai/en/latest/inference.html
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings


class CoquiSettings(VoiceSettings):
    provider = Provider("Coqui TTS", server=True)

    base_url: str = Field("http://127.0.0.1:5002", pattern=r"^https?://[^\s/]+")
    """Address of the server."""
    voice: str = ""
    """Speaker of a model that has several (speaker_id)."""
    language: str = ""
    """Language of a model that has several (language_id)."""


class CoquiTts(RemoteSpeaker[CoquiSettings]):
    """tts.coqui: speak with a Coqui TTS server.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = CoquiSettings.provider

    def asks(self, text: str) -> Ask:
        named = {"text": text, "speaker_id": self.settings.voice, "language_id": self.settings.language}
        return Ask("/api/tts", {}, {"params": {name: value for name, value in named.items() if value}}, "GET")

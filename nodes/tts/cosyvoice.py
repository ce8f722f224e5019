"""tts.cosyvoice: your own CosyVoice server (runtime/python/fastapi).

POST /inference_sft with form fields, int16 samples back, see
https://github.com/FunAudioLLM/CosyVoice/blob/main/runtime/python/fastapi/server.py
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings


class CosyvoiceSettings(VoiceSettings):
    provider = Provider("CosyVoice", server=True, streaming=True, voices=("中文女", "中文男", "英文女", "日语男"))

    base_url: str = Field("http://127.0.0.1:50000", pattern=r"^https?://[^\s/]+")
    """Address of the server."""
    voice: str = Field("英文女", min_length=1)
    """Speaker of the model (spk_id)."""
    instruct: str = Field("", max_length=1000)
    """How to speak, for models that follow it."""
    model_rate: int = Field(22_050, ge=8_000, le=48_000)
    """Rate of the model, Hz: 22050 for CosyVoice 1, 24000 for CosyVoice 2 and 3."""


class CosyvoiceTts(RemoteSpeaker[CosyvoiceSettings]):
    """tts.cosyvoice: speak with a CosyVoice server.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = CosyvoiceSettings.provider

    async def open(self) -> None:
        await super().open()
        self.raw = self.settings.model_rate

    def asks(self, text: str) -> Ask:
        form = {"tts_text": text, "spk_id": self.settings.voice}
        if not self.settings.instruct:
            return Ask("/inference_sft", {}, {"data": form})
        return Ask("/inference_instruct", {}, {"data": {**form, "instruct_text": self.settings.instruct}})

"""translate.deeplx: your own DeepLX server.

POST /translate, see https://deeplx.owo.network/endpoints/free.html
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.translate._translator import Translator, TranslatorSettings


class DeeplxSettings(TranslatorSettings):
    provider = Provider("DeepLX", key="DEEPLX_KEY", server=True)

    base_url: str = Field("http://127.0.0.1:1188", pattern=r"^https?://[^\s/]+")
    """Address of the server."""


class DeeplxTranslator(Translator[DeeplxSettings]):
    """translate.deeplx: speak another language by a DeepLX server.  sentence (Sentence) -> sentence (Sentence)"""

    provider: ClassVar[Provider] = DeeplxSettings.provider

    async def translate(self, text: str) -> str:
        wanted = self.settings
        body = {"text": text, "source_lang": wanted.source[:2].upper() or "auto", "target_lang": wanted.to.upper()}
        headers = {"Authorization": f"Bearer {wanted.key}"} if wanted.key else {}
        async with self.service.ask("POST", "/translate", headers=headers, json=body) as answer:
            answer.must_be("application/json")
            told = await answer.json()
        with self.service.parsed():
            if int(told.get("code", 200)) != 200:
                raise self.service.status(int(told["code"]), str(told.get("message") or ""))
            return str(told["data"])

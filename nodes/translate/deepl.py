"""translate.deepl: DeepL's translation.

POST /v2/translate, see https://developers.deepl.com/docs/api-reference/translate
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.translate._translator import Translator, TranslatorSettings


class DeeplSettings(TranslatorSettings):
    provider = Provider("DeepL", key="DEEPL_API_KEY")

    base_url: str = Field("", pattern=r"^($|https?://[^\s/]+)")
    """Address of the service; empty: by the key, which ends in :fx for the free one."""
    formality: str = Field("", pattern=r"^(|more|less|prefer_more|prefer_less)$")
    """more, less, prefer_more, prefer_less, for languages that know it; empty: the service's choice."""


class DeeplTranslator(Translator[DeeplSettings]):
    """translate.deepl: speak another language by DeepL.  sentence (Sentence) -> sentence (Sentence)"""

    provider: ClassVar[Provider] = DeeplSettings.provider

    async def translate(self, text: str) -> str:
        wanted = self.settings
        free = "api-free" if wanted.key.endswith(":fx") else "api"
        body = {"text": [text], "target_lang": wanted.to.upper()}
        body |= {"source_lang": wanted.source[:2].upper()} if wanted.source else {}
        body |= {"formality": wanted.formality} if wanted.formality else {}
        url = f"{wanted.base_url or f'https://{free}.deepl.com'}/v2/translate"
        headers = {"Authorization": f"DeepL-Auth-Key {wanted.key}"}
        async with self.service.ask("POST", url, headers=headers, json=body) as answer:
            answer.must_be("application/json")
            told = await answer.json()
        with self.service.parsed():
            return str(told["translations"][0]["text"])

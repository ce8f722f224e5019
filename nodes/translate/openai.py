"""translate.openai: translation by a language model behind any OpenAI-compatible server.

POST /v1/chat/completions, see https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.translate._translator import Translator, TranslatorSettings

PROMPT = (
    "You translate what a character says into the language '{to}', in the same tone, as it is spoken. "
    "Answer with the translation alone, without quotes or remarks."
)


class OpenaiTranslatorSettings(TranslatorSettings):
    provider = Provider("OpenAI-compatible chat", key="OPENAI_API_KEY", server=True)

    base_url: str = Field("http://127.0.0.1:11434/v1", pattern=r"^https?://[^\s/]+")
    """Address of the server up to and with /v1."""
    model: str = Field("llama3.2", min_length=1)
    """Name of the model at that server."""
    prompt: str = Field(PROMPT, max_length=4000)
    """What the model is told; {to} stands for the language."""


class OpenaiTranslator(Translator[OpenaiTranslatorSettings]):
    """translate.openai: speak another language by a language model.  sentence (Sentence) -> sentence (Sentence)"""

    provider: ClassVar[Provider] = OpenaiTranslatorSettings.provider

    async def translate(self, text: str) -> str:
        wanted = self.settings
        prompt = wanted.prompt.replace("{to}", wanted.to)
        told = [{"role": "system", "content": prompt}, {"role": "user", "content": text}]
        body = {"model": wanted.model, "messages": told, "temperature": 0, "max_tokens": 80 + 2 * len(text)}
        headers = {"Authorization": f"Bearer {wanted.key}"} if wanted.key else {}
        async with self.service.ask("POST", "/chat/completions", headers=headers, json=body) as answer:
            answer.must_be("application/json")
            said = await answer.json()
        with self.service.parsed():
            return str(said["choices"][0]["message"]["content"]).strip().strip('"„“”«»')

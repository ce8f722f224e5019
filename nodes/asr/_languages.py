"""Languages of recognizers, as their settings spell them; a persona's "de" or "pt-BR" fits all of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from vaidol.nodes._provider import one_of

WHISPER = (
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de", "el", "en",
    "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht", "hu", "hy", "id", "is",
    "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo", "lt", "lv", "mg", "mi", "mk", "ml", "mn",
    "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "oc", "pa", "pl", "ps", "pt", "ro", "ru", "sa", "sd", "si", "sk",
    "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta", "te", "tg", "th", "tk", "tl", "tr", "tt", "uk", "ur", "uz",
    "vi", "yi", "yo", "yue", "zh",
)  # fmt: skip
COUNTRIES = {
    "en": "US", "ja": "JP", "zh": "CN", "ko": "KR", "da": "DK", "sv": "SE", "cs": "CZ", "el": "GR", "uk": "UA",
    "hi": "IN", "he": "IL", "ar": "EG", "nb": "NO", "sl": "SI", "et": "EE", "fa": "IR", "vi": "VN", "ga": "IE",
    "ca": "ES", "pt": "BR",
}  # fmt: skip


def _bare(language: object) -> object:
    return language.partition("-")[0].casefold() if isinstance(language, str) else language


def _at_home(language: object) -> object:
    """With a country, where it has none: "de-DE", "en-US"."""
    if not isinstance(language, str) or not language or "-" in language:
        return language
    return f"{language}-{COUNTRIES.get(language, language.upper())}"


WhisperLanguage = Annotated[str, BeforeValidator(_bare), one_of("language", ("", *WHISPER))]
WithCountry = Annotated[str, BeforeValidator(_at_home)]

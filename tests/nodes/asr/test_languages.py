"""Languages of recognizers: spelled as each wants them, and refused at check where nobody hears them."""

from __future__ import annotations

import pytest

from tests.nodes.local_server import KEY
from vaidol.nodes import registry


@pytest.mark.parametrize(
    ("kind", "language", "means"),
    [
        ("asr.faster_whisper", "de", "de"), ("asr.faster_whisper", "pt-BR", "pt"), ("asr.whisper_cpp", "", ""),
        ("asr.azure", "de", "de-DE"), ("asr.azure", "en", "en-US"), ("asr.azure", "de-AT", "de-AT"),
    ],
)  # fmt: skip
def test_a_language_is_spelled_as_the_recognizer_wants_it(kind: str, language: str, means: str) -> None:
    more = {"api_key": KEY} if kind == "asr.azure" else {"model": "whisper-base"} if "faster" in kind else {}
    settings = registry().find(kind).settings_class()(language=language, **more)
    assert settings.language == means  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("asr.faster_whisper", {"language": "tlh"}, "no language 'tlh'; .*there are: af, am, "),
        ("asr.faster_whisper", {"language": "de"}, "whisper-tiny.en hears English only; for 'de' take "),
        ("asr.whisper_cpp", {"language": "xx"}, "no language 'xx'; "),
        ("asr.azure", {"language": "english", "api_key": KEY}, "should match pattern"),
    ],
)
def test_a_language_that_nobody_hears_fails_at_check(kind: str, settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        registry().find(kind).settings_class()(**settings)

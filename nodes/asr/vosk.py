"""asr.vosk: a Vosk model of the user, by the package vosk: small, quick, in twenty languages."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32
from vaidol.nodes._provider import Provider, need_file
from vaidol.nodes._sound import pcm16
from vaidol.nodes.asr._listener import RATE, Heard
from vaidol.nodes.asr._local import LocalListener, LocalListenerSettings


class VoskSettings(LocalListenerSettings):
    language: str = ""
    """Language of the model, like "en": passed on with the words."""
    grammar: tuple[str, ...] = ()
    """Only these phrases are understood; none = everything."""


class VoskAsr(LocalListener[VoskSettings]):
    """asr.vosk: recognize speech with a Vosk model.

    audio (Utterance, any rate), partial (Utterance) -> transcript (Transcript)
    """

    provider: ClassVar[Provider] = Provider("Vosk", package="vosk", extra="vosk", interim=True)

    @classmethod
    def load(cls, settings: VoskSettings, package: Any) -> Any:
        folder = need_file(settings.model, "the Vosk model")
        if not any((folder / part).exists() for part in ("am", "final.mdl", "conf")):  # the library would crash
            raise ProviderError(f"{folder} holds no Vosk model", code="model")
        package.SetLogLevel(-1)
        return package.Model(str(folder))

    def transcribe(self, model: Any, samples: F32) -> Heard:
        from vosk import KaldiRecognizer

        grammar = (json.dumps([*self.settings.grammar, "[unk]"]),) if self.settings.grammar else ()
        recognizer = KaldiRecognizer(model, RATE, *grammar)
        recognizer.AcceptWaveform(pcm16(samples))
        return Heard(json.loads(recognizer.FinalResult())["text"].replace("[unk]", "").strip(), self.settings.language)

"""tts.sherpa_onnx: VITS, Matcha, Kokoro or Kitten from the user's folder, by the package sherpa-onnx.

The folders are those of https://k2-fsa.github.io/sherpa/onnx/tts/pretrained_models/
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32
from vaidol.nodes._provider import Provider, need_file
from vaidol.nodes._sherpa import model_file, needed
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._local import LocalSpeaker


class SherpaTtsSettings(SpeakerSettings):
    model: str = Field(min_length=1)
    """Path of the model's folder, as it was unpacked."""
    speaker: int = Field(0, ge=0)
    """Number of the speaker, in a model that has several."""
    speed: float = Field(1.0, ge=0.25, le=4)
    """Tempo; 1 = the voice's own."""
    threads: int = Field(1, ge=1, le=64)
    """Threads that compute."""


class SherpaTts(LocalSpeaker[SherpaTtsSettings]):
    """tts.sherpa_onnx: speak with a model for sherpa-onnx.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = Provider("sherpa-onnx", package="sherpa_onnx", extra="sherpa")
    weights = ("model", "threads")

    @classmethod
    def load(cls, settings: SherpaTtsSettings, package: Any) -> Any:
        folder = need_file(settings.model, "the model's folder")
        name, files = describe(folder)
        kinds = {
            "vits": package.OfflineTtsVitsModelConfig, "matcha": package.OfflineTtsMatchaModelConfig,
            "kokoro": package.OfflineTtsKokoroModelConfig, "kitten": package.OfflineTtsKittenModelConfig,
        }  # fmt: skip
        model = package.OfflineTtsModelConfig(**{name: kinds[name](**files)}, num_threads=settings.threads)
        config = package.OfflineTtsConfig(model=model)
        if not config.validate():  # the library would end the process
            raise ProviderError(f"the model in {folder} is not whole", code="model")
        voice = package.OfflineTts(config)
        if settings.speaker >= max(1, voice.num_speakers):
            message = f"the model has no speaker {settings.speaker}; there are: 0 to {voice.num_speakers - 1}"
            raise ProviderError(message, code="bad_voice")
        return voice

    def parts(self, voice: Any, text: str) -> Iterator[tuple[F32, int]]:
        made = voice.generate(text, sid=self.settings.speaker, speed=self.settings.speed)
        yield np.asarray(made.samples, np.float32), made.sample_rate


def describe(folder: Path) -> tuple[str, dict[str, str]]:
    """The kind of the model in `folder`, and its files by the names sherpa-onnx gives them."""
    tokens, data = model_file(folder, "tokens.txt"), model_file(folder, "espeak-ng-data")
    lexicon = ",".join(str(path) for path in sorted(folder.glob("lexicon*.txt")))
    voices, model = model_file(folder, "voices.bin"), model_file(folder, "model*.onnx", "*.onnx")
    if voices:
        kitten = {"kitten"} & set(folder.name.split("-"))
        files = {**needed(folder, model=model, tokens=tokens, voices=voices), "data_dir": data}
        return ("kitten", files) if kitten else ("kokoro", {**files, "lexicon": lexicon})
    vocoder, acoustic = model_file(folder, "voc*.onnx", "hifigan*.onnx"), model_file(folder, "model-steps*.onnx")
    if acoustic:
        files = needed(folder, acoustic_model=acoustic, vocoder=vocoder, tokens=tokens)
        return "matcha", {**files, "data_dir": data, "lexicon": lexicon}
    return "vits", {**needed(folder, model=model, tokens=tokens), "data_dir": data, "lexicon": lexicon}

"""asr.sherpa_onnx: Zipformer, Paraformer, SenseVoice, Whisper, Moonshine or NeMo from the user's folder.

The folders are those of https://k2-fsa.github.io/sherpa/onnx/pretrained_models/ for the package sherpa-onnx.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from vaidol.graph.frames import F32
from vaidol.nodes._provider import Provider, need_file
from vaidol.nodes._sherpa import model_file, needed
from vaidol.nodes.asr._listener import RATE, Heard
from vaidol.nodes.asr._local import LocalListener, LocalListenerSettings


class SherpaAsrSettings(LocalListenerSettings):
    language: str = ""
    """Language spoken, for models that are told; empty: heard from the sound."""
    threads: int = Field(1, ge=1, le=64)
    """Threads that compute."""


class SherpaAsr(LocalListener[SherpaAsrSettings]):
    """asr.sherpa_onnx: recognize speech with a model for sherpa-onnx.

    audio (Utterance, any rate), partial (Utterance) -> transcript (Transcript)
    """

    provider: ClassVar[Provider] = Provider("sherpa-onnx", package="sherpa_onnx", extra="sherpa", interim=True)
    weights = ("model", "language", "threads")

    @classmethod
    def load(cls, settings: SherpaAsrSettings, package: Any) -> Any:
        folder = need_file(settings.model, "the model's folder")
        kind, files = describe(folder)
        told = {"language": settings.language} if kind in ("whisper", "sense_voice") and settings.language else {}
        return getattr(package.OfflineRecognizer, f"from_{kind}")(**files, **told, num_threads=settings.threads)

    def transcribe(self, model: Any, samples: F32) -> Heard:
        stream = model.create_stream()
        stream.accept_waveform(RATE, samples)
        model.decode_stream(stream)
        return Heard(stream.result.text.strip(), self.settings.language)


def describe(folder: Path) -> tuple[str, dict[str, str]]:
    """The kind of the model in `folder`, and its files by the names sherpa-onnx gives them."""
    tokens, name = model_file(folder, "tokens.txt", "*tokens.txt"), folder.name
    encoder, decoder = model_file(folder, "*encoder*.onnx"), model_file(folder, "decoder*.onnx", "*-decoder*.onnx")
    joiner, model = model_file(folder, "*joiner*.onnx"), model_file(folder, "model*.onnx", "*.onnx")
    if joiner:
        return "transducer", needed(folder, encoder=encoder, decoder=decoder, joiner=joiner, tokens=tokens)
    if preprocessor := model_file(folder, "preprocess*.onnx"):
        return "moonshine", needed(
            folder, preprocessor=preprocessor, encoder=model_file(folder, "encode*.onnx"), tokens=tokens,
            uncached_decoder=model_file(folder, "uncached_decode*.onnx"),
            cached_decoder=model_file(folder, "cached_decode*.onnx"),
        )  # fmt: skip
    if encoder:
        return "whisper", needed(folder, encoder=encoder, decoder=decoder, tokens=tokens)
    if "paraformer" in name:
        return "paraformer", needed(folder, paraformer=model, tokens=tokens)
    return ("sense_voice" if "sense-voice" in name else "nemo_ctc"), needed(folder, model=model, tokens=tokens)

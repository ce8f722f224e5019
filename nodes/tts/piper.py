"""tts.piper: a Piper voice of the user, by the package piper-tts (GPL-3, so an extra)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32
from vaidol.nodes._provider import Provider, need_file
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._local import LocalSpeaker


class PiperSettings(SpeakerSettings):
    voice: str = Field(min_length=1)
    """Path of the voice, NAME.onnx; NAME.onnx.json lies beside it."""
    speaker: str = ""
    """Name or number of the speaker, in a voice that has several."""
    speed: float = Field(1.0, ge=0.25, le=4)
    """Tempo; 1 = the voice's own."""
    noise: float | None = Field(None, ge=0, le=2)
    """Liveliness of the sound; none = the voice's own."""


class PiperTts(LocalSpeaker[PiperSettings]):
    """tts.piper: speak with a Piper voice.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = Provider("Piper", package="piper", extra="piper", streaming=True)
    weights = ("voice",)

    @classmethod
    def load(cls, settings: PiperSettings, package: Any) -> Any:
        path = need_file(settings.voice, "the Piper voice")
        need_file(f"{path}.json", "the description of the Piper voice")
        voice = package.PiperVoice.load(path)
        _speaker(voice, settings.speaker)
        return voice

    def parts(self, voice: Any, text: str) -> Iterator[tuple[F32, int]]:
        from piper import SynthesisConfig

        wanted = self.settings
        speaker = _speaker(voice, wanted.speaker)
        how = SynthesisConfig(speaker_id=speaker, length_scale=1 / wanted.speed, noise_scale=wanted.noise)
        for chunk in voice.synthesize(text, how):
            yield chunk.audio_float_array, chunk.sample_rate


def _speaker(voice: Any, wanted: str) -> int | None:
    """The number of the speaker."""
    names: dict[str, int] = voice.config.speaker_id_map or {}
    if not wanted:
        return None
    number = names.get(wanted, int(wanted) if wanted.isdigit() else -1)
    if not 0 <= number < voice.config.num_speakers:
        known = ", ".join(list(names)[:20]) or f"0 to {voice.config.num_speakers - 1}"
        raise ProviderError(f"the Piper voice has no speaker '{wanted}'; there are: {known}", code="bad_voice")
    return number

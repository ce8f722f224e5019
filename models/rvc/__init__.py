"""RVC voices: load the files people have and compute, arrays in and arrays out, nothing kept between calls."""

from vaidol.models.rvc.config import VoiceConfig
from vaidol.models.rvc.decoder import cycles
from vaidol.models.rvc.pitch import autotune, coarse_pitch, fill_unvoiced, key_to, shift
from vaidol.models.rvc.synthesizer import Synthesizer
from vaidol.models.rvc.voice import convert_voice, load_voice, voice_about

__all__ = [
    "Synthesizer",
    "VoiceConfig",
    "autotune",
    "coarse_pitch",
    "convert_voice",
    "cycles",
    "fill_unvoiced",
    "key_to",
    "load_voice",
    "shift",
    "voice_about",
]

"""What voice.rvc has loaded: one copy of a voice and the streams of all sessions through it, wherever that lives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32
from vaidol.graph.node import Progress
from vaidol.nodes._models import model_errors, model_path
from vaidol.nodes.voice._rvc_settings import TARGETS, RvcSettings

if TYPE_CHECKING:
    from vaidol.models.f0 import Method
    from vaidol.models.rvc import Hubert, Index, KeyFinder, Synthesizer
    from vaidol.models.rvc.stream import VoiceStream

HEARD = 16_000  # Hz, what the networks hear
SPOKEN = 48_000  # Hz, what leaves
AHEAD_MS = 90  # heard behind a block before it is spoken
STREAMS_MAX = 128  # at one time; the one that was longest without sound is forgotten first


@dataclass(frozen=True, slots=True)
class About:
    """What the node wants to know of its voice."""

    speakers: int
    precision: str
    said: str  # why the precision is not the one that was asked for


@dataclass(frozen=True, slots=True)
class Parts:
    """A voice and what it needs."""

    network: Synthesizer
    hubert: Hubert
    index: Index | None
    f0: Method | None
    usual_hz: float  # the pitch it usually has, 0 = nobody said
    about: About


@dataclass(frozen=True, slots=True)
class Heard:
    """What comes next in a stream: `samples` (n,), [-1, 1], 16 kHz; with `end`, its last. `owner`: whose voice it is.

    `cut`: streams that are to be forgotten.
    """

    owner: str
    stream: str
    settings: RvcSettings
    samples: F32
    end: bool = False
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What can be spoken by now, (m,) at 48 kHz; the next block needs `wants` samples more at 16 kHz."""

    samples: F32
    wants: int


class RvcVoice:
    """A voice and its streams by their names. Not thread-safe: one call after the other."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._streams: dict[str, _Spoken] = {}
        self._keys: dict[str, KeyFinder] = {}  # by owner: the same person speaks in all streams of one

    def about(self) -> About:
        return self.parts.about

    def speak(self, heard: Heard) -> Made:
        """Go on with a stream; at its end, what is made is as long in all as what was heard."""
        for gone in heard.cut:
            self._streams.pop(gone, None)
        spoken = self._streams.pop(heard.stream, None) or _Spoken(self._begin(heard.owner, heard.settings))
        made = spoken.feed(heard.samples)
        if heard.end:
            return Made(np.concatenate((made, spoken.flush())), 0)
        while len(self._streams) >= STREAMS_MAX:
            self._streams.pop(next(iter(self._streams)))
        self._streams[heard.stream] = spoken
        return Made(made, spoken.wants)

    def _begin(self, owner: str, settings: RvcSettings) -> VoiceStream:
        from vaidol.models.rvc import Conversion
        from vaidol.models.rvc.stream import Blocks, VoiceStream

        how = Conversion(
            speaker=settings.speaker, semitones=0.0 if settings.pitch == "auto" else settings.pitch,
            unvoiced=settings.unvoiced, autotune=settings.autotune, retrieval=settings.retrieval,
            protect=settings.protect, loudness=settings.loudness,
        )  # fmt: skip
        parts, blocks = self.parts, Blocks(settings.first_ms, settings.block_ms, settings.context_ms)
        return VoiceStream(
            parts.network, parts.hubert, parts.f0, how, index=parts.index, blocks=blocks, formant=settings.formant,
            key=self._key(owner, settings) if settings.pitch == "auto" else None,
        )  # fmt: skip

    def _key(self, owner: str, settings: RvcSettings) -> KeyFinder:
        """What knows the pitch of `owner`. Raises ProviderError: nobody said what the pitch of the voice is."""
        from vaidol.models.rvc import KeyFinder

        wanted = settings.target_hz
        hz = self.parts.usual_hz if wanted == "voice" else TARGETS[wanted] if isinstance(wanted, str) else wanted
        if not hz:
            said = f"nothing says how high {settings.model} usually speaks: give pitch auto a target_hz (low, high, Hz)"
            raise ProviderError(said, code="target")
        if owner not in self._keys:
            while len(self._keys) >= STREAMS_MAX:
                self._keys.pop(next(iter(self._keys)))
            self._keys[owner] = KeyFinder(hz)
        return self._keys[owner]


class _Spoken:
    """A stream with its resampler."""

    def __init__(self, stream: VoiceStream) -> None:
        import soxr

        self._stream = stream
        self._to_48k: Any = soxr.ResampleStream(stream.rate, SPOKEN, 1, dtype="float32")
        self._fed = self._made = 0

    @property
    def wants(self) -> int:
        return self._stream.wants

    def feed(self, samples: F32) -> F32:
        self._fed += len(samples)
        return self._resampled(self._stream.feed(samples), last=False)

    def flush(self) -> F32:
        left = round(self._fed * SPOKEN / HEARD) - self._made
        rest = self._resampled(self._stream.flush(), last=True)
        return np.concatenate((rest, np.zeros(max(0, left - len(rest)), np.float32)))[:left]

    def _resampled(self, made: F32, *, last: bool) -> F32:
        if not len(made) and not last:
            return made
        out: F32 = np.asarray(self._to_48k.resample_chunk(made, last=last), np.float32)
        self._made += len(out)
        return out


def load(settings: RvcSettings, progress: Progress) -> RvcVoice:
    """For `Need.load`, wherever that is run. Raises ProviderError."""
    return RvcVoice(load_parts(settings, progress))


def load_parts(settings: RvcSettings, progress: Progress) -> Parts:
    """Load all that `settings` name. Blocks. Raises ProviderError."""
    try:
        import torch
    except ImportError:
        raise ProviderError("RVC voices need more packages: pip install 'vaidol[ml]'", code="package") from None
    from vaidol.models import f0
    from vaidol.models.rvc import load_hubert, load_index, load_voice
    from vaidol.models.rvc.precision import with_precision
    from vaidol.models.rvc.voice import voice_about

    torch.set_num_threads(1)  # more threads on shared cores wait for one another
    device = settings.device if settings.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    with model_errors():
        progress(0.0, settings.model)
        path = model_path(settings.model)
        network = load_voice(path)
        usual_hz = float(voice_about(path)[1].get("usual_hz", 0))
        progress(0.2, "what is said")
        hubert = load_hubert(model_path(settings.units))
        if network.config.version == "v1" and not hubert.shape.projected:
            said = f"{settings.units} has no final_proj, which v1 voices like {settings.model} need"
            raise ProviderError(said, code="model")
        progress(0.5, "pitch")
        rmvpe = model_path(settings.rmvpe) if settings.f0 == "rmvpe" else None
        pitch = f0.method(settings.f0, rmvpe) if network.config.pitched else None
        near = _index_path(settings.index, path)
        index = load_index(near) if near is not None else None
        progress(0.6, "precision")
        chosen = with_precision(
            network, hubert, settings.precision, device, lambda done: progress(0.6 + 0.4 * done, "precision")
        )
    if index is not None and index.width != network.config.units:
        said = f"{near} holds vectors of {index.width} numbers, but the voice needs {network.config.units}"
        raise ProviderError(said, code="model")
    about = About(network.config.speakers, chosen.precision, chosen.said)
    return Parts(chosen.voice, chosen.hubert, index, pitch, usual_hz, about)


def _index_path(told: str, voice: Path) -> Path | None:
    if told == "none":
        return None
    if told:
        return model_path(told)
    near = voice.with_name("voice.index")
    return near if voice.name == "voice.safetensors" and near.is_file() else None

"""voice.rvc: speak with an RVC voice, streaming; from the files its owner already has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import EMPTY, F32, Audio
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Need, Node, Progress, Settings
from vaidol.graph.ports import Port
from vaidol.nodes._models import model_errors, model_path
from vaidol.nodes.adapt._streams import goes_on

if TYPE_CHECKING:
    from vaidol.models.rvc import Hubert, Index, Synthesizer
    from vaidol.models.rvc.stream import VoiceStream

HEARD = 16_000  # Hz, what the networks hear
SPOKEN = 48_000  # Hz, what leaves
BLOCK_S = 30.0  # a block that takes longer has hung


class RvcSettings(Settings):
    model: str = Field(min_length=1)
    """The voice: a name from `vaidol models add`, or the path of a .pth or .safetensors file."""
    index: str = ""
    """Its .index; empty: the one that was added with it, if any; "none" to use none."""
    units: str = "contentvec"
    """ContentVec: a model of the catalogue, or the path of hubert_base.pt or of a Hugging Face folder."""
    retrieval: float = Field(0.0, ge=0, le=1)
    """How far what is said is drawn towards the index, 0..1; 0.5 to 0.75 is usual."""
    f0: Literal["swift", "periods", "rmvpe"] = "swift"
    """Where the pitch comes from; rmvpe needs its model (`vaidol models pull rmvpe`)."""
    rmvpe: str = "rmvpe"
    """RMVPE: a model of the catalogue, or the path of rmvpe.pt."""
    pitch: float = Field(0.0, ge=-36, le=36)
    """Melody up or down, semitones."""
    formant: float = Field(0.0, ge=-12, le=12)
    """Size of the speaker, semitones: up is smaller."""
    autotune: float = Field(0.0, ge=0, le=1)
    """Pull towards the nearest note, 0..1."""
    unvoiced: Literal["keep", "interpolate"] = "keep"
    """What the pitch is where there is none: none, or between its neighbours."""
    protect: float = Field(0.5, ge=0, le=0.5)
    """Keeps breath and consonants from the index, 0..0.5; 0.5 is off."""
    loudness: float = Field(1.0, ge=0, le=1)
    """0: loudness of the sound that comes in; 1: the voice's own."""
    speaker: int = Field(0, ge=0)
    """Number of the speaker in a voice of several."""
    first_ms: int = Field(320, ge=100, le=5_000)
    """First block of an utterance, ms: short, so that sound comes soon."""
    block_ms: int = Field(500, ge=60, le=5_000)
    """Every later block, ms; longer ones cost less in all."""
    context_ms: int = Field(500, ge=0, le=5_000)
    """Sound before a block that is heard again with it, ms."""
    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?|auto)$")
    """Where it runs: cpu, cuda, cuda:1 ... or auto."""
    late_ms: int = Field(1_500, ge=100, le=60_000)
    """A live voice further behind than this passes unchanged until it has caught up, ms."""

    @field_validator("model")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            model_path(name)
        except ProviderError as error:
            raise ValueError(str(error)) from None
        return name

    @property
    def key(self) -> str:
        """Equal keys share one copy of the weights."""
        return f"rvc {self.model} {self.index} {self.units} {self.f0} {self.rmvpe} {self.device}"


class RvcVoice(Node[RvcSettings]):
    """voice.rvc: speak what comes in with an RVC voice.

    audio (Audio, 16 kHz) -> audio (Audio, 48 kHz)

    Each sentence of each generation is a stream of its own and leaves as long as it came. A live voice (a microphone)
    is one stream; when the machine is too slow for it, it passes unchanged, and the page is told.
    """

    inputs = (Port("audio", Audio, rate=HEARD, dtype="f32"),)
    outputs = (Port("audio", Audio, rate=SPOKEN, dtype="f32"),)

    def __init__(self, settings: RvcSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._stream: _Spoken | None = None
        self._last = Audio()
        self._position = 0  # number of the sample that comes next
        self._given = 0  # number of the sample that leaves next
        self.missed = 0  # frames of a live voice that passed unchanged

    @classmethod
    def needs(cls, settings: RvcSettings) -> tuple[Need, ...]:
        return (Need(settings.key, "voice", lambda progress: load_parts(settings, progress)),)

    async def open(self) -> None:
        self._voice: Parts = self.ctx.shared(self.settings.key)
        if not self.settings.speaker < self._voice.network.config.speakers:
            count = self._voice.network.config.speakers
            raise ProviderError(f"the voice {self.settings.model} has the speakers 0 to {count - 1}", code="speaker")

    async def process(self, port: str, frame: Audio) -> None:
        if self._stream is not None and not goes_on(self._last, frame, self._position):
            await self._end(replace(self._last, samples=EMPTY, sentence_end=False, final=False))
        if self._stream is None:
            self._stream = _Spoken(self._voice.stream(self.settings))
            self._given = frame.pts * SPOKEN // HEARD
        self._last, self._position = frame, frame.pts + len(frame.samples)
        stream = self._stream
        if frame.of is None and not frame.gen and self._late(frame):
            return
        made = await self._compute(stream.feed, frame.samples)
        if stream is not self._stream:  # cut meanwhile
            return
        if frame.final or frame.sentence_end:
            await self._end(frame, made)
        elif len(made):
            await self._send(frame, made)

    def cut(self, cut: TurnCut) -> None:
        if self._last.gen == cut.gen:
            self._stream = None

    async def _end(self, frame: Audio, made: F32 = EMPTY) -> None:
        """Send what is still inside, with the flags of the stream's last frame."""
        stream = self._stream
        assert stream is not None
        rest = await self._compute(stream.flush)
        if stream is not self._stream:
            return
        self._stream = None
        made = np.concatenate((made, rest))
        if len(made) or frame.final or frame.sentence_end:
            await self._send(frame, made)

    async def _compute(self, work: Callable[..., F32], *given: Any) -> F32:
        try:
            async with asyncio.timeout(BLOCK_S):
                return await self.ctx.call(self.settings.key, work, *given)
        except TimeoutError as error:
            raise ProviderError(f"the voice took longer than {BLOCK_S:g} s for a block", code="timeout") from error
        except (RuntimeError, ValueError) as error:  # what torch and faiss raise
            raise ProviderError(f"the voice {self.settings.model} failed: {error}", code="model") from error

    def _late(self, frame: Audio) -> bool:
        """Pass a live frame unchanged when the voice is too far behind; its stream begins anew after that."""
        behind_ms = (self.ctx.clock.ns() - frame.born) / 1e6
        if behind_ms <= self.settings.late_ms or not frame.born:
            return False
        if not self.missed:
            said = f"this machine is too slow for the voice {self.settings.model}: some of it passes unchanged"
            self.ctx.trouble(said, code="slow")
        self.missed += 1
        self._stream = None
        self.emit(
            "audio",
            replace(
                frame, samples=_resampled(frame.samples.astype(np.float32, copy=False)), rate=SPOKEN, pts=frame.pts * 3
            ),
        )
        return True

    async def _send(self, frame: Audio, made: F32) -> None:
        at, self._given = self._given, self._given + len(made)
        await self.send("audio", replace(frame, samples=made, rate=SPOKEN, pts=at))


class _Spoken:
    """A stream with its resampler, on the voice's thread."""

    def __init__(self, stream: VoiceStream) -> None:
        import soxr

        self._stream = stream
        self._to_48k: Any = soxr.ResampleStream(stream.rate, SPOKEN, 1, dtype="float32")
        self._fed = self._made = 0

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


@dataclass(frozen=True, slots=True)
class Parts:
    """A voice and what it needs, shared by all sessions of a process."""

    network: Synthesizer
    hubert: Hubert
    index: Index | None
    f0: Callable[[F32], F32] | None

    def stream(self, settings: RvcSettings) -> VoiceStream:
        from vaidol.models.rvc import Conversion
        from vaidol.models.rvc.stream import Blocks, VoiceStream

        how = Conversion(
            speaker=settings.speaker, semitones=settings.pitch, unvoiced=settings.unvoiced, autotune=settings.autotune,
            retrieval=settings.retrieval, protect=settings.protect, loudness=settings.loudness,
        )  # fmt: skip
        blocks = Blocks(settings.first_ms, settings.block_ms, settings.context_ms)
        return VoiceStream(
            self.network, self.hubert, self.f0, how, index=self.index, blocks=blocks, formant=settings.formant
        )


def load_parts(settings: RvcSettings, progress: Progress) -> Parts:
    """Load all that `settings` name. Blocks. Raises ProviderError."""
    try:
        import torch
    except ImportError:
        raise ProviderError("RVC voices need more packages: pip install 'vaidol[ml]'", code="package") from None
    from vaidol.models import f0
    from vaidol.models.rvc import load_hubert, load_index, load_voice

    torch.set_num_threads(1)  # more threads on shared cores wait for one another
    device = settings.device if settings.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    with model_errors():
        progress(0.0, settings.model)
        path = model_path(settings.model)
        network = load_voice(path).to(device)
        progress(0.3, "what is said")
        hubert = load_hubert(model_path(settings.units)).to(device)
        progress(0.8, "pitch")
        rmvpe = model_path(settings.rmvpe) if settings.f0 == "rmvpe" else None
        pitch = f0.method(settings.f0, rmvpe) if network.config.pitched else None
        near = _index_path(settings.index, path)
        index = load_index(near) if near is not None else None
    if index is not None and index.width != network.config.units:
        said = f"{near} holds vectors of {index.width} numbers, but the voice needs {network.config.units}"
        raise ProviderError(said, code="model")
    return Parts(network, hubert, index, pitch)


def _index_path(told: str, voice: Path) -> Path | None:
    if told == "none":
        return None
    if told:
        return model_path(told)
    near = voice.with_name("voice.index")
    return near if voice.name == "voice.safetensors" and near.is_file() else None


def _resampled(samples: F32) -> F32:
    import soxr

    out: F32 = np.asarray(soxr.resample(samples, HEARD, SPOKEN), np.float32)
    return out

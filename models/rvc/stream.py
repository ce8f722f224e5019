"""An RVC voice that speaks while it hears: blocks with a memory, joined without a click.

What makes blocks meet: the sine's phase goes on from block to block, both noises belong to the moment and not to the
block, the decoder gets frames to spare on both sides, and the joint is laid where both sides are most alike (SOLA).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaidol.models.rvc.decoder import cycles
from vaidol.models.rvc.hubert import Hubert
from vaidol.models.rvc.mixing import mix_loudness, protect
from vaidol.models.rvc.offline import Conversion
from vaidol.models.rvc.pitch import KeyFinder, autotune, coarse_pitch, fill_unvoiced, shift
from vaidol.models.rvc.retrieval import Index
from vaidol.models.rvc.synthesizer import Synthesizer

F32 = NDArray[np.float32]

RATE = 16_000  # Hz, of what is heard
FRAME = 160  # samples heard per frame of 10 ms
MARGIN = 4  # frames the decoder gets to spare on each side: beyond them it errs by less than -47 dB
FADE, SEARCH = 3, 2  # frames of a joint, and of where it may lie: more than a period of 60 Hz
AHEAD = MARGIN + FADE + SEARCH  # frames heard behind a block before it is spoken: 90 ms
GROWTH = 4 / 3  # of a block against the one before: at an RTF of 3/4 it is made while that one is heard
GATE = 1e-4  # RMS of a block below which it is silence


@dataclass(frozen=True, slots=True)
class Blocks:
    """Sizes in ms. The first block is short, so that sound comes soon; the next ones grow up to `block`, because longer
    ones cost less in all; `context` is heard again before each.
    """

    first: int = 320
    block: int = 500
    context: int = 500


class VoiceStream:
    """One stream through a shared voice. Not thread-safe; `feed` computes, for long: call it off the loop."""

    def __init__(
        self,
        voice: Synthesizer,
        hubert: Hubert,
        f0: Callable[[F32], F32] | None,
        how: Conversion | None = None,
        *,
        index: Index | None = None,
        blocks: Blocks | None = None,
        formant: float = 0.0,
        key: KeyFinder | None = None,
        seed: int = 0,
    ) -> None:
        """`f0` as `vaidol.models.f0.Method`; `formant` in semitones; `key` moves the pitch instead of `how`.

        Raises ValueError: a pitched voice without f0.
        """
        if voice.config.pitched and f0 is None:
            raise ValueError("this voice needs a pitch: f0 is missing")
        self.voice, self.rate = voice, voice.config.rate
        self._hubert, self._f0, self._index = hubert, f0, index
        self._how = how or Conversion()
        self._blocks = blocks or Blocks()
        self._formant = 2 ** (formant / 12)
        self._seed = seed
        self._key = key
        self.reset()

    def reset(self) -> None:
        """Forget the stream: what comes next is the start of another."""
        self._sound: F32 = np.zeros(0, np.float32)  # heard, from frame `_start` on
        self._start = 0  # even: HuBERT hears two frames at a time
        self._done = 0  # frames spoken
        self._size = self._blocks.first // 10  # frames of the next block
        self._samples = 0  # heard in all
        self._given = 0  # samples spoken
        self._tail: F32 | None = None  # what follows the last block, to be faded into the next
        self._pitched: tuple[int, Tensor, float] | None = None  # first frame, f0 and phase of the last block
        self._semitones: float | None = None if self._key else self._how.semitones  # fixed once enough was heard
        self._z = torch.zeros(1, self.voice.config.inter, 0)
        self._breath = torch.zeros(1, 0, 1)
        self._drawn = 0  # frame at which both noises begin
        self._for_z, self._for_breath = (torch.Generator().manual_seed(2 * self._seed + one) for one in (0, 1))

    def feed(self, samples: F32) -> F32:
        """Hear `samples` (n,), [-1, 1], 16 kHz; give what can be spoken by now, any number of samples at `rate`."""
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32, copy=False)
        self._sound = np.concatenate((self._sound, clean))
        self._samples += len(clean)
        spoken: list[F32] = []
        while self._start + len(self._sound) // FRAME >= self._done + self._size + AHEAD:
            spoken.append(self._speak(self._size))
        return self._count(spoken)

    def flush(self) -> F32:
        """The end of the stream: all that is left, so that n seconds heard are n seconds spoken."""
        wanted = round(self._samples * self.rate / RATE) - self._given
        spoken: list[F32] = []
        while sum(map(len, spoken)) < wanted:
            left = -(-(self._samples - self._done * FRAME) // FRAME)
            size = max(2, min(self._size, left))
            missing = (self._done + size + AHEAD - self._start) * FRAME - len(self._sound)
            self._sound = np.concatenate((self._sound, np.zeros(max(0, missing), np.float32)))
            spoken.append(self._speak(size))
        said = self._count(spoken)[:wanted]
        self.reset()
        return said

    @property
    def wants(self) -> int:
        """Samples that are missing for the next block."""
        return (self._done + self._size + AHEAD) * FRAME - self._samples

    def _count(self, spoken: list[F32]) -> F32:
        said = np.concatenate(spoken) if spoken else np.zeros(0, np.float32)
        self._given += len(said)
        return said

    def _speak(self, size: int) -> F32:
        """The next `size` frames."""
        begin = max(self._start, (self._done - self._blocks.context // 10) // 2 * 2)
        end = self._done + size + AHEAD
        heard = self._sound[(begin - self._start) * FRAME : (end - self._start) * FRAME]
        hop = self.voice.config.hop
        block = heard[(self._done - begin) * FRAME :][: (size + FADE + SEARCH) * FRAME]
        if float(np.sqrt(np.mean(np.square(block)))) < GATE:
            out = np.zeros((size + FADE + SEARCH) * hop, np.float32)
            self._pitched = None
        else:
            out = self._convert(heard, begin, end)
            out = mix_loudness(block, RATE, out, self.rate, self._how.loudness, live=True)
        said = self._join(out, size * hop)
        self._done += size
        self._size = min(self._blocks.block // 10, int(self._size * GROWTH))
        self._forget(max(0, (self._done - self._blocks.context // 10) // 2 * 2 - 2))
        return said

    def _convert(self, heard: F32, begin: int, end: int) -> F32:
        """Frames `_done` to `end - MARGIN`, of the sound of frames `begin` to `end`."""
        first = max(begin, self._done - MARGIN)
        frames, hop = end - begin, self.voice.config.hop
        units = self._hubert.units(heard, self.voice.config.version)
        units = torch.cat((units, units[:, -1:]), 1)  # the last window ends a hop before the sound does
        drawn = units if self._index is None else self._index.blend(units, self._how.retrieval)
        units, drawn = (row.repeat_interleave(2, 1)[:, :frames] for row in (units, drawn))
        pitch = self._pitch(heard)[:frames] if self._f0 is not None and self.voice.config.pitched else None
        coarse = hertz = None
        phase = 0.0
        if pitch is not None:
            hertz = torch.from_numpy(pitch)[None]
            coarse = torch.from_numpy(coarse_pitch(pitch))[None]
            drawn = protect(drawn, units, hertz.to(drawn.device), self._how.protect)
            phase = self._phase(first)
            self._pitched = (first, hertz[0, first - begin :], phase)
        length = end - first
        stretched = round(length * self._formant)
        z_noise, breath = self._noise(begin, end)
        out = self.voice.infer(
            drawn, coarse, hertz, self._how.speaker, z_noise=z_noise, source_noise=breath, skip_head=first - begin,
            return_length=length, formant_length=stretched if stretched != length else None, phase=phase,
        )  # fmt: skip
        said: F32 = out[0, 0].float().cpu().numpy()
        if stretched != length:
            said = _resized(said, length * hop)
        return said[(self._done - first) * hop : (length - MARGIN) * hop]

    def _pitch(self, heard: F32) -> F32:
        assert self._f0 is not None
        found = self._f0(heard)
        if self._key is not None and self._key.hear(found) and self._semitones is None:
            self._semitones = self._key.semitones
        found = shift(found, self._semitones or 0.0)
        found = np.pad(found, (0, max(0, len(heard) // FRAME - len(found))), mode="edge")
        if self._how.autotune:
            found = autotune(found, self._how.autotune)
        return fill_unvoiced(found) if self._how.unvoiced == "interpolate" else found

    def _phase(self, first: int) -> float:
        """Of the sine at frame `first`, as the last block had it."""
        if self._pitched is None:
            return 0.0
        began, hertz, phase = self._pitched
        return cycles(hertz[: max(0, first - began)], phase)

    def _noise(self, begin: int, end: int) -> tuple[Tensor, Tensor]:
        """Both draws for frames `begin` to `end`: the same frame has the same noise in every block."""
        hop = self.voice.config.hop
        have = self._drawn + self._z.shape[2]
        if end > have:
            z = torch.randn((1, end - have, self.voice.config.inter), generator=self._for_z)
            self._z = torch.cat((self._z, z.transpose(1, 2)), 2)
            more = torch.randn((1, (end - have) * hop, 1), generator=self._for_breath)
            self._breath = torch.cat((self._breath, more), 1)
        at, count = begin - self._drawn, end - begin
        return self._z[:, :, at : at + count], self._breath[:, at * hop : (at + count) * hop]

    def _join(self, out: F32, count: int) -> F32:
        """The first `count` samples of `out` behind the tail of the block before; keeps the tail for the next."""
        hop = self.voice.config.hop
        fade, offset = FADE * hop, 0
        if self._tail is not None:
            offset = _likest(out[: fade + SEARCH * hop], self._tail)
        said = out[offset : offset + count].copy()
        if self._tail is not None:
            length = min(fade, count)
            rise = np.sin(np.linspace(0, np.pi / 2, length, dtype=np.float32)) ** 2
            said[:length] = said[:length] * rise + self._tail[:length] * (1 - rise)
        self._tail = out[offset + count : offset + count + fade]
        return said

    def _forget(self, before: int) -> None:
        """Drop what no later block hears."""
        hop, drop = self.voice.config.hop, before - self._start
        if drop > 0:
            self._sound, self._start = self._sound[drop * FRAME :], before
        if (old := before - self._drawn) > 0:
            self._z, self._breath, self._drawn = self._z[:, :, old:], self._breath[:, old * hop :], before


def _likest(ahead: F32, tail: F32) -> int:
    """Where in `ahead` `tail` fits best, samples."""
    if len(ahead) <= len(tail):
        return 0
    products = np.correlate(ahead, tail, "valid")
    squares = np.concatenate(([0.0], np.cumsum(np.square(ahead, dtype=np.float64))))
    energy = squares[len(tail) :] - squares[: len(squares) - len(tail)]
    return int(np.argmax(products / np.sqrt(energy + 1e-8)))


def _resized(sound: F32, length: int) -> F32:
    """`sound` squeezed or stretched to `length` samples, by its spectrum."""
    spectrum = np.fft.rfft(sound)
    kept = min(len(spectrum), length // 2 + 1)
    new = np.zeros(length // 2 + 1, np.complex128)
    new[:kept] = spectrum[:kept]
    resized: F32 = (np.fft.irfft(new, length) * (length / len(sound))).astype(np.float32)
    return resized

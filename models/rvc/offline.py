"""Change the voice of a whole recording: the parts of this package, in the order and with the margins of WebUI."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaidol.models.rvc.hubert import Hubert
from vaidol.models.rvc.mixing import OVERHANG, mix_loudness, protect, remove_rumble
from vaidol.models.rvc.pitch import autotune, coarse_pitch, fill_unvoiced, shift
from vaidol.models.rvc.retrieval import Index
from vaidol.models.rvc.synthesizer import Synthesizer

F32 = NDArray[np.float32]

RATE = 16_000  # Hz, of the recording
FRAME = 160  # samples
MARGIN = RATE  # samples that are mirrored at both ends, and heard beside every piece
PIECE, SEARCH = 38 * RATE, 6 * RATE  # a long recording is cut at the quietest point within SEARCH of every PIECE
LONGEST = 41 * RATE  # a recording up to here stays whole
LOUDEST_IN, LOUDEST_OUT = 0.95, 0.99  # peaks above are brought down to this


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a recording is converted. The defaults change nothing but the voice."""

    speaker: int = 0
    semitones: float = 0.0  # pitch shift
    unvoiced: Literal["keep", "interpolate"] = "keep"  # f0 of frames without one: 0, or between their neighbours
    autotune: float = 0.0  # 0..1, towards the nearest note
    retrieval: float = 0.0  # 0..1, of the index
    protect: float = 0.5  # 0..0.5, share of the index where there is no pitch; 0.5 is off
    loudness: float = 1.0  # 0 the recording's loudness, 1 the voice's own
    length: Literal["kept", "original"] = "kept"  # WebUI, the original, loses up to 20 ms of each piece


def convert(
    samples: F32,
    voice: Synthesizer,
    hubert: Hubert,
    f0: Callable[[F32], F32] | None,
    how: Conversion,
    *,
    index: Index | None = None,
    draw: Callable[[tuple[int, ...]], Tensor] = torch.randn,
    progress: Callable[[float], None] | None = None,
) -> F32:
    """`samples` (n,), [-1, 1], 16 kHz, spoken by `voice`: (n * rate / 16000,), [-1, 1], at its rate.

    `f0` finds the pitch of 16 kHz sound, Hz per 160 samples, 0 = unvoiced (RMVPE's is `Rmvpe.f0`); None for a voice
    without pitch. `draw` gives N(0, 1) of a shape; `progress` hears the share done, 0..1, after each piece.
    Samples that are not finite are silence. Raises ValueError for a pitched voice without `f0`.
    """
    if voice.config.pitched and f0 is None:
        raise ValueError("this voice needs a pitch: f0 is missing")
    rate = voice.config.rate
    wanted = len(samples) * rate // RATE
    if not wanted:
        return np.zeros(0, np.float32)
    sound = prepare(samples)
    padded = np.pad(sound, MARGIN, mode="reflect")
    pitch = _pitch(padded, f0, how) if f0 is not None and voice.config.pitched else None
    cuts = [0, *(cut // FRAME * FRAME for cut in quiet_points(sound)), len(sound)]
    spoken = []
    for begin, end in _pieces(cuts):
        reach = len(padded) if end == len(sound) else end + 2 * MARGIN + FRAME
        row = None if pitch is None else pitch[begin // FRAME :][: (reach - begin) // FRAME]
        heard = hubert.units(padded[begin:reach], voice.config.version)
        out = _speak(heard, row, (reach - begin) // FRAME, voice=voice, how=how, index=index, draw=draw)
        start = MARGIN * rate // RATE
        kept = -(-(end - begin) * rate // RATE) if how.length == "kept" else len(out) - 2 * start
        spoken.append(out[start : start + kept])
        if progress is not None:
            progress(end / len(sound))
    said = mix_loudness(sound, RATE, np.concatenate(spoken), rate, how.loudness)[:wanted]
    return said / max(1.0, float(np.abs(said).max()) / LOUDEST_OUT)


def prepare(samples: F32) -> F32:
    """The recording without rumble, peaks and what is not finite, at least 19 samples long."""
    sound = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    sound = sound / max(1.0, float(np.abs(sound).max()) / LOUDEST_IN)
    return remove_rumble(np.pad(sound, (0, max(0, OVERHANG + 1 - len(sound)))))


def quiet_points(sound: F32) -> list[int]:
    """Where a long recording is cut: samples from its start; none up to 41 s."""
    if len(sound) + FRAME <= LONGEST:
        return []
    padded = np.abs(np.pad(sound, FRAME // 2, mode="reflect").astype(np.float64))
    total = np.concatenate(([0.0], np.cumsum(padded)))
    loudness = total[FRAME : FRAME + len(sound)] - total[: len(sound)]
    return [
        near - SEARCH + int(loudness[near - SEARCH : near + SEARCH].argmin())
        for near in range(PIECE, len(sound), PIECE)
    ]


def _pieces(cuts: list[int]) -> Iterator[tuple[int, int]]:
    return ((begin, end) for begin, end in pairwise(cuts) if end > begin)


def _pitch(padded: F32, f0: Callable[[F32], F32], how: Conversion) -> F32:
    """f0 of every frame, moved as wanted; in float64, because what is rounded away adds up in the phase."""
    found = shift(f0(padded).astype(np.float64), how.semitones)
    if how.autotune:
        found = autotune(found, how.autotune)
    if how.unvoiced == "interpolate":
        found = fill_unvoiced(found)
    return found.astype(np.float32)


def _speak(
    heard: Tensor,
    f0: F32 | None,
    frames: int,
    *,
    voice: Synthesizer,
    how: Conversion,
    index: Index | None,
    draw: Callable[[tuple[int, ...]], Tensor],
) -> F32:
    """One piece: units (1, T, C), 50 per second, and f0, 100 per second -> samples."""
    drawn = heard if index is None else index.blend(heard, how.retrieval)
    heard, drawn = (units.repeat_interleave(2, 1) for units in (heard, drawn))
    frames = min(frames, heard.shape[1], len(f0) if f0 is not None else frames)
    heard, drawn = heard[:, :frames], drawn[:, :frames]
    coarse = hertz = None
    if f0 is not None:
        hertz = torch.from_numpy(f0[:frames])[None]
        coarse = torch.from_numpy(coarse_pitch(f0[:frames]))[None]
        drawn = protect(drawn, heard, hertz.to(drawn.device), how.protect)
    out = voice.infer(
        drawn,
        coarse,
        hertz,
        how.speaker,
        z_noise=draw((1, voice.config.inter, frames)),
        source_noise=draw((1, frames * voice.config.hop, 1)),
    )
    return out[0, 0].float().cpu().numpy()

"""What happens around the network: consonants protected, loudness kept, rumble removed. Arrays in, arrays out."""

from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

ORDER, CUTOFF = 5, 48.0  # of the filter against rumble: Butterworth, Hz
BLOCK, TAIL = 65_536, 8192  # samples of a transform, and in which the response dies away at 16 kHz
OVERHANG = 18  # samples by which the signal is continued at each end before it is filtered


def protect(drawn: Tensor, heard: Tensor, f0: Tensor, ratio: float) -> Tensor:
    """Keep breath and consonants as they were heard: where f0 (1, T) is 0, only `ratio` of `drawn` (1, T, C), the units
    after the index, is taken, the rest of `heard`, the units before it. 0.5 and more is off.
    """
    if ratio >= 0.5:
        return drawn
    taken = torch.where(f0 > 0, 1.0, ratio)[..., None].to(drawn)
    return drawn * taken + heard * (1 - taken)


def mix_loudness(source: F32, source_rate: int, voice: F32, rate: int, ratio: float, *, live: bool = False) -> F32:
    """`voice` (n,) at `rate` with the loudness contour of `source` at `source_rate`: 0 all of it, 1 none of it.

    Loudness is the RMS of 1 s every 0.5 s, or `live`, for blocks, of 40 ms every 10 ms.
    """
    if ratio == 1 or not len(voice):
        return voice
    hops, floor = (100, 1e-3) if live else (2, 1e-6)  # measurements per second, least loudness of the voice
    wanted, has = (
        _contour(sound, sound_rate // hops, 4 if live else 2, len(voice), live)
        for sound, sound_rate in ((source, source_rate), (voice, rate))
    )
    gain = torch.pow(wanted, 1 - ratio) * torch.pow(torch.clamp(has, min=floor), ratio - 1)
    mixed: F32 = (voice * gain.numpy()).astype(np.float32)
    return mixed


def _contour(sound: F32, hop: int, hops: int, length: int, live: bool) -> Tensor:
    """RMS over windows of `hops` hops, centred on each hop, drawn out to `length` values."""
    padded = np.pad(sound.astype(np.float64), hop * hops // 2)
    windows = (padded[at : at + hop * hops] for at in range(0, len(sound) + 1, hop))
    measured = torch.tensor([[[np.sqrt(np.mean(window**2)) for window in windows]]], dtype=torch.float32)
    if live:
        return functional.interpolate(measured, size=length + 1, mode="linear", align_corners=True)[0, 0, :-1]
    return functional.interpolate(measured, size=length, mode="linear")[0, 0]


def remove_rumble(sound: F32, rate: int = 16_000) -> F32:
    """`sound` (n,), n > 18, without what lies below 48 Hz, forwards and backwards so that nothing is delayed.

    The ends are continued point-symmetrically, and each pass starts as if the first value had always been there, as
    in the usual zero-phase filter (Gustafsson 1996).
    """
    ends = 2 * sound[0] - sound[OVERHANG:0:-1], 2 * sound[-1] - sound[-2 : -OVERHANG - 2 : -1]
    signal = np.concatenate((ends[0], sound, ends[1])).astype(np.float64)
    for _ in range(2):
        signal = _high_pass(signal - signal[0], rate)[::-1]
    return signal[OVERHANG:-OVERHANG].astype(np.float32)


def _high_pass(signal: F64, rate: int) -> F64:
    """One pass of the filter over a signal that was 0 before, by its frequency response."""
    z = np.exp(2j * pi * np.arange(BLOCK // 2 + 1) / BLOCK)
    prototype = np.exp(1j * pi * (2 * np.arange(ORDER) + ORDER + 1) / (2 * ORDER))  # poles of the low pass at 1 rad/s
    response = np.ones_like(z)
    for pole in 4 * np.tan(pi * CUTOFF / rate) / prototype:  # the bilinear transform, each with a zero at 1
        response *= 4 * (z - 1) / ((4 - pole) * z - (4 + pole))
    out = np.zeros(len(signal) + BLOCK)
    for at in range(0, len(signal), BLOCK - TAIL):
        block = np.fft.rfft(signal[at : at + BLOCK - TAIL], BLOCK)
        out[at : at + BLOCK] += np.fft.irfft(block * response, BLOCK)
    return out[: len(signal)]

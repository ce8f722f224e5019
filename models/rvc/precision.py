"""A voice in smaller numbers: int8 and bf16 on a processor, fp16 on a card; each only if it sounds the same.

What is compared is what the decoder, where nearly all of the time goes, makes of one fixed piece of speech-like sound,
against float32. That says little of how a real voice sounds; it finds what is broken or far off.
"""

import logging
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vaidol.models.errors import LoadError
from vaidol.models.rvc.cuda import Replayed
from vaidol.models.rvc.decoder import Decoder
from vaidol.models.rvc.hubert import Hubert
from vaidol.models.rvc.pitch import coarse_pitch
from vaidol.models.rvc.synthesizer import Synthesizer

log = logging.getLogger("vaidol.models")
LEAST_DB = 24.0  # what differs from float32 lies at least so far below it, dB
QUICKER = 0.9  # of the time of float32: else it is not worth it
QUICK_RTF = 0.15  # a decoder that takes less than this of what it speaks stays in float32 by itself
RATE, FRAMES = 16_000, 100
COMPARED = slice(35, 75)  # frames of the example that decoders are compared by: voiced, hissed, voiced
Inputs = tuple[Tensor, ...]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A voice and its ears in the precision that was chosen; `said`: why it is not the one asked for."""

    voice: Synthesizer
    hubert: Hubert
    precision: str
    said: str = ""


def with_precision(
    voice: Synthesizer, hubert: Hubert, wanted: str, device: str = "cpu", progress: Progress = lambda done: None
) -> Chosen:
    """`voice` and `hubert`, as loaded, on `device` in the precision `wanted`: auto, fp32, bf16, fp16, int8. Both are
    changed. Raises LoadError: there is no such device.
    """
    if device != "cpu":
        return _on_card(voice, hubert, wanted, device)
    if wanted == "fp32":
        return Chosen(voice, hubert, "fp32")
    examples = example(voice, hubert)
    inputs = _part(examples, COMPARED)
    progress(0.1)
    before, seconds = _timed(voice.dec, inputs)
    if wanted == "auto" and seconds < QUICK_RTF * inputs[0].shape[2] / FRAMES:
        return Chosen(voice, hubert, "fp32")
    refused = ["fp16 is for graphics cards"] if wanted == "fp16" else []
    for name in ("int8", "bf16") if wanted in ("auto", "fp16") else (wanted,):
        try:
            decoder = _int8(voice.dec, examples) if name == "int8" else Narrow(voice.dec, torch.bfloat16)
        except LoadError as error:
            refused.append(str(error))
            continue
        progress(0.9)
        if why := _refusal(name, decoder, inputs, before, seconds):
            refused.append(why)
            continue
        voice.dec = cast(Decoder, decoder)
        return Chosen(voice, _quicker_ears(hubert), name, "; ".join(refused))
    said = f"the voice speaks in fp32: {'; '.join(refused)}"
    log.warning(said)
    return Chosen(voice, hubert, "fp32", said)


def deviation_db(reference: Tensor, other: Tensor) -> float:
    """How far below `reference` its difference to `other` lies, dB; below 0 where that is not finite."""
    difference = float((reference - other).square().sum())
    if not np.isfinite(difference):
        return -1.0
    return float(10 * np.log10(max(float(reference.square().sum()), 1e-12) / max(difference, 1e-12)))


def example(voice: Synthesizer, hubert: Hubert) -> Inputs:
    """What the decoder is given for 1 s of `speechlike` sound, always with the same draws: z, speaker[, source]."""
    sound, f0 = speechlike()
    units = hubert.units(sound, voice.config.version)
    units = torch.cat((units, units[:, -1:]), 1).repeat_interleave(2, 1)[:, :FRAMES].float()
    frames = units.shape[1]
    pitch, hertz = torch.from_numpy(coarse_pitch(f0[:frames]))[None], torch.from_numpy(f0[:frames])[None]
    caught: list[Inputs] = []
    hook = voice.dec.register_forward_pre_hook(lambda _, given: caught.append(given))
    try:
        voice.infer(units, pitch, hertz, 0, generator=torch.Generator().manual_seed(1))
    finally:
        hook.remove()
    return tuple(given for given in caught[0] if given is not None)


def _part(inputs: Inputs, frames: slice) -> Inputs:
    count = inputs[0].shape[2]
    cut = (one[:, :, frames.start * one.shape[2] // count : frames.stop * one.shape[2] // count] for one in inputs)
    return tuple(one if one.shape[2] == 1 else part for one, part in zip(inputs, cut, strict=True))


def speechlike() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """1 s of gliding pulses through moving resonances, with a hiss in it: samples at 16 kHz, f0 at 100 per second."""
    at = np.arange(RATE) / RATE
    hertz = 120 + 100 * at
    hiss = (at > 0.45) & (at < 0.6)
    phase = np.cumsum(hertz) / RATE
    harmonics = np.arange(1, 26)[:, None]
    peaks = ((500 + 300 * np.sin(5 * at), 90.0), (1500 + 600 * np.cos(4 * at), 140.0), (2600 + 0 * at, 200.0))
    gains = sum(1 / (1 + ((harmonics * hertz - middle) / width) ** 2) for middle, width in peaks)
    sound = (np.sin(2 * np.pi * harmonics * phase) * gains).sum(0)
    noise = np.random.default_rng(0).normal(0, 0.3, RATE)
    sound = np.where(hiss, noise, sound / np.abs(sound).max()) * 0.5
    f0 = np.where(hiss, 0, hertz)[:: RATE // FRAMES]
    return sound.astype(np.float32), f0.astype(np.float32)


class Narrow(nn.Module):
    """A decoder whose weights and steps are of `dtype`, with float32 around it."""

    def __init__(self, decoder: Decoder, dtype: torch.dtype) -> None:
        super().__init__()
        self.inner, self.dtype = deepcopy(decoder).to(dtype), dtype
        if hasattr(decoder, "m_source"):
            self.m_source = decoder.m_source

    def forward(self, *given: Tensor | None) -> Tensor:
        out: Tensor = self.inner(*(None if one is None else one.to(self.dtype) for one in given))
        return out.float()


class Quantised(nn.Module):
    """A decoder as an ONNX session, with the source of the one it was made from."""

    def __init__(self, decoder: Decoder, session: Any) -> None:
        super().__init__()
        self._session = session
        self._names = [given.name for given in session.get_inputs()]
        if hasattr(decoder, "m_source"):
            self.m_source = decoder.m_source

    def forward(self, *given: Tensor | None) -> Tensor:
        arrays = (one.float().contiguous().numpy() for one in given if one is not None)
        return torch.from_numpy(self._session.run(None, dict(zip(self._names, arrays, strict=True)))[0])


def _int8(decoder: Decoder, inputs: Inputs) -> nn.Module:
    from vaidol.models.rvc.int8 import quantised

    return Quantised(decoder, quantised(decoder, inputs))


def _refusal(name: str, decoder: nn.Module, inputs: Inputs, before: Tensor, seconds: float) -> str:
    """Why this decoder is not taken; "" when it is."""
    out, its_seconds = _timed(decoder, inputs)
    db = deviation_db(before, out)
    log.info("a decoder was tried", extra={"precision": name, "deviation_db": db, "share": its_seconds / seconds})
    if db < LEAST_DB:
        return f"in {name} it differs from fp32 by more than allowed ({db:.0f} dB below it instead of {LEAST_DB:.0f})"
    if its_seconds > QUICKER * seconds:
        return f"{name} is no quicker on this processor"
    return ""


def _quicker_ears(hubert: Hubert) -> Hubert:
    """HuBERT in bf16, if that is quicker here and hears the same."""
    sound = torch.from_numpy(speechlike()[0][: RATE // 2]).view(1, 1, -1)
    before, seconds = _timed(hubert, (sound,))
    narrow = deepcopy(hubert).bfloat16()
    out, its_seconds = _timed(narrow, (sound.bfloat16(),))
    good = deviation_db(before, out.float()) >= LEAST_DB and its_seconds <= QUICKER * seconds
    return narrow if good else hubert


@torch.no_grad()
def _timed(module: nn.Module, inputs: Inputs) -> tuple[Tensor, float]:
    """What it makes, and its processor time: the shorter of two tries, s."""
    taken = []
    for _ in range(2):
        began = time.thread_time()
        out: Tensor = module(*inputs)
        taken.append(time.thread_time() - began)
    return out, min(taken)


def _on_card(voice: Synthesizer, hubert: Hubert, wanted: str, device: str) -> Chosen:
    """fp16 unless told otherwise; kernels recorded once and replayed."""
    if not torch.cuda.is_available():
        raise LoadError(f"there is no device {device} here: choose cpu or auto")
    name = {"auto": "fp16", "int8": "fp16"}.get(wanted, wanted)
    said = "int8 is for processors: the voice speaks in fp16" if wanted == "int8" else ""
    inputs = tuple(given.to(device) for given in _part(example(voice, hubert), COMPARED))
    voice, hubert = voice.to(device), hubert.to(device)
    if name != "fp32":
        dtype = torch.float16 if name == "fp16" else torch.bfloat16
        decoder = Narrow(voice.dec, dtype)
        if (db := deviation_db(_timed(voice.dec, inputs)[0], _timed(decoder, inputs)[0])) < LEAST_DB:
            said = f"the voice speaks in fp32: in {name} it differs by more than allowed ({db:.0f} dB below it)"
            name = "fp32"
        else:
            voice.dec, hubert = cast(Decoder, decoder), hubert.to(dtype)
    voice.dec = cast(Decoder, Replayed(voice.dec))
    return Chosen(voice, hubert, name, said)

"""The voice network whole: features, pitch and speaker in, samples at the voice's own rate out."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaidol.models.rvc.config import VoiceConfig
from vaidol.models.rvc.decoder import Decoder
from vaidol.models.rvc.encoder import Encoder, Table
from vaidol.models.rvc.flow import REACH, Flow

SPREAD = 0.66666  # of the latent's noise


class Synthesizer(nn.Module):
    """An RVC voice. `config` says version, rate, hop, speakers; weights are float32 on the CPU until `to` moves them.

    It keeps nothing between calls, so that any number of streams may share it.
    """

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        self.config = config
        self.enc_p = Encoder(config)
        self.flow = Flow(config)
        self.dec = Decoder(config)
        self.emb_g = Table(config.speakers, config.speaker_width)

    @torch.no_grad()
    def infer(
        self,
        units: Tensor,
        pitch: Tensor | None,
        f0: Tensor | None,
        speaker: int = 0,
        *,
        z_noise: Tensor | None = None,
        source_noise: Tensor | None = None,
        generator: torch.Generator | None = None,
        skip_head: int | None = None,
        return_length: int | None = None,
        formant_length: int | None = None,
        phase: float = 0.0,
    ) -> Tensor:
        """Speak the frames: samples (1, 1, n * hop), [-1, 1], at `config.rate`, on the weights' device.

        units (1, T, 256 | 768), 100 frames per second; pitch (1, T) int, 1..255 (`coarse_pitch`) and f0 (1, T) Hz,
        0 = unvoiced, both None for a voice without pitch. `speaker` 0..speakers-1.

        All T frames are heard, but only `return_length` from `skip_head` on are spoken (n of them); with
        `formant_length` these are stretched to so many frames, to be resampled back to the old length by the caller,
        which moves the formants by the ratio.

        The two draws from N(0, 1) can be given: z_noise (1, inter, T) for the latent; source_noise (1, T * hop, 1), or
        (1, n * hop, 1) for the spoken frames alone, for the source. Otherwise they come from `generator`, or torch's.
        `phase` is that of the sine at the first spoken frame, in cycles (`cycles` tells where a block ended).

        Raises ValueError for shapes, a speaker or a range that do not fit.
        """
        where = self.emb_g.weight
        units, pitch, f0 = self._on(where, units, pitch, f0)
        head, length = self._range(units.shape[1], skip_head, return_length)
        if not 0 <= speaker < self.config.speakers:
            raise ValueError(f"speaker {speaker} does not exist: there are 0..{self.config.speakers - 1}")
        told = self.emb_g.weight[speaker].view(1, -1, 1)
        flow_head = max(head - REACH, 0)
        mean, log_deviation = self.enc_p(units, pitch)
        draw = partial(_noise, generator=generator, like=where)
        noise = draw(z_noise, tuple(mean.shape), 2, (flow_head, mean.shape[2] - flow_head))
        z = mean[:, :, flow_head:] + torch.exp(log_deviation[:, :, flow_head:]) * noise * SPREAD
        z = self.flow(z, told)[:, :, head - flow_head :][:, :, :length]
        source = None
        if f0 is not None:
            hop = self.config.hop
            noise = draw(source_noise, (1, units.shape[1] * hop, 1), 1, (head * hop, length * hop))
            source = self.dec.m_source(f0[:, head : head + length], noise, phase)
        if formant_length is not None:
            z, source = self._stretch(z, source, formant_length)
        return torch.nan_to_num(self.dec(z, told, source))  # units beyond all bounds overflow on their way

    def _on(
        self, where: Tensor, units: Tensor, pitch: Tensor | None, f0: Tensor | None
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The inputs on the device and in the dtype of the weights, checked. NaN becomes 0."""
        config = self.config
        if units.ndim != 3 or units.shape[0] != 1 or units.shape[2] != config.units or not units.shape[1]:
            raise ValueError(
                f"units have the shape {tuple(units.shape)}, a {config.version} voice needs (1, T, {config.units})"
            )
        units = torch.nan_to_num(units.to(where), posinf=0.0, neginf=0.0)
        if not config.pitched:
            return units, None, None
        frames = (1, units.shape[1])
        for name, row in (("pitch", pitch), ("f0", f0)):
            if row is None or tuple(row.shape) != frames:
                has = None if row is None else tuple(row.shape)
                raise ValueError(f"{name} has the shape {has}, this voice needs {frames}")
        assert pitch is not None
        assert f0 is not None
        pitch = pitch.to(where.device, torch.int64).clamp(0, 255)
        f0 = torch.nan_to_num(f0.to(where.device, torch.float32), posinf=0.0, neginf=0.0).clamp(0, config.rate / 2)
        return units, pitch, f0

    @staticmethod
    def _range(frames: int, skip_head: int | None, return_length: int | None) -> tuple[int, int]:
        head = skip_head or 0
        length = frames - head if return_length is None else return_length
        if head < 0 or length < 1 or head + length > frames:
            raise ValueError(f"frames {head}..{head + length} cannot be spoken: there are {frames}")
        return head, length

    def _stretch(self, z: Tensor, source: Tensor | None, length: int) -> tuple[Tensor, Tensor | None]:
        if length < 1:
            raise ValueError(f"formant_length is {length}, at least 1 is needed")
        if length != z.shape[2]:
            z = functional.interpolate(z, size=length, mode="linear")
            if source is not None:
                source = functional.interpolate(source, size=length * self.config.hop, mode="linear")
        return z, source


def _noise(
    given: Tensor | None,
    shape: tuple[int, ...],
    axis: int,
    part: tuple[int, int],
    *,
    generator: torch.Generator | None,
    like: Tensor,
) -> Tensor:
    """The `part` (start, length along `axis`) of noise of this shape: given whole, given as the part, or drawn."""
    start, length = part
    wanted = (*shape[:axis], length, *shape[axis + 1 :])
    if given is None:
        return torch.randn(wanted, generator=generator, device=like.device, dtype=like.dtype)
    if tuple(given.shape) not in (shape, wanted):
        raise ValueError(f"the noise has the shape {tuple(given.shape)}, not {shape}")
    return given.narrow(axis, start if tuple(given.shape) == shape else 0, length).to(like)

"""The decoder of an RVC voice: latent frames and a sine at the pitch in, samples out.

HiFi-GAN (Kong et al. 2020) with the source of the neural source-filter model (Wang et al. 2019), first harmonic only.
Module names are those of the official checkpoints. `Decoder.forward` is convolutions and pointwise operations alone,
so that it can be exported (see `vaidol.models.rvc`).
"""

from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaidol.models.rvc.config import FRAMES, VoiceConfig

SLOPE = 0.1  # of the leaky ReLUs, but for the last, which has torch's 0.01
SINE = 0.1  # amplitude of the source
BREATH = 0.003  # deviation of the noise in voiced frames; SINE / 3 in the others


class Residual(nn.Module):
    """Pairs of a dilated and a plain convolution, each pair added to what it was given, over (1, C, n)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=step, padding=step * (kernel - 1) // 2) for step in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(functional.leaky_relu(dilated(functional.leaky_relu(x, SLOPE)), SLOPE))
        return x


class Source(nn.Module):
    """The excitation: a sine at f0 where there is one, noise where there is none."""

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        self.rate, self.hop = config.rate, config.hop
        self.l_linear = nn.Linear(1, 1)

    def forward(self, f0: Tensor, noise: Tensor, phase: float = 0.0) -> Tensor:
        """f0 (1, T) Hz, 0 = unvoiced, noise (1, T * hop, 1) ~ N(0, 1), phase at the start, cycles -> (1, 1, T * hop).

        The phase is summed in float64: in float32 a long utterance would drift.
        """
        step = (f0 / self.rate).double()[..., None]  # (1, T, 1) cycles per sample
        ends = torch.cumsum(step * self.hop, 1)
        starts = functional.pad(ends[:, :-1], (0, 0, 1, 0)) + phase
        within = torch.arange(1, self.hop + 1, device=f0.device, dtype=torch.float64)
        cycles = torch.remainder(starts + step * within, 1.0).to(f0.dtype)  # (1, T, hop)
        voiced = (f0 > 0).to(f0.dtype)[..., None]
        loudness = voiced * BREATH + (1 - voiced) * (SINE / 3)
        wave = torch.sin(2 * torch.pi * cycles) * SINE * voiced + loudness * noise.view(cycles.shape)
        wave = wave.reshape(1, -1, 1).to(self.l_linear.weight.dtype)
        return torch.tanh(self.l_linear(wave)).transpose(1, 2)


class Decoder(nn.Module):
    """z (1, inter, T), speaker (1, speaker_width, 1), source (1, 1, T * hop) or None -> samples (1, 1, T * hop)."""

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        widths = [config.upsample_channels >> stage for stage in range(len(config.upsample_rates) + 1)]
        self.conv_pre = nn.Conv1d(config.inter, widths[0], 7, padding=3)
        self.cond = nn.Conv1d(config.speaker_width, widths[0], 1)
        shapes = list(zip(widths, widths[1:], config.upsample_rates, config.upsample_kernels, strict=False))
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(wide, narrow, kernel, rate, (kernel - rate) // 2)
            for wide, narrow, rate, kernel in shapes
        )
        kinds = list(zip(config.resblock_kernels, config.resblock_dilations, strict=True))
        self.resblocks = nn.ModuleList(Residual(width, *kind) for width in widths[1:] for kind in kinds)
        self.conv_post = nn.Conv1d(widths[-1], 1, 7, padding=3, bias=False)
        self.kinds = len(kinds)
        if config.pitched:
            self.m_source = Source(config)
            strides = [prod(config.upsample_rates[stage + 1 :]) for stage in range(len(shapes))]
            self.noise_convs = nn.ModuleList(
                nn.Conv1d(1, width, 2 * stride if stride > 1 else 1, stride, stride // 2)
                for width, stride in zip(widths[1:], strides, strict=True)
            )

    def forward(self, z: Tensor, speaker: Tensor, source: Tensor | None = None) -> Tensor:
        x = self.conv_pre(z) + self.cond(speaker)
        for stage, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, SLOPE))
            if source is not None:
                x = x + self.noise_convs[stage](source)
            blocks = [block(x) for block in self.resblocks[stage * self.kinds : (stage + 1) * self.kinds]]
            x = sum(blocks[1:], blocks[0]) / self.kinds
        return torch.tanh(self.conv_post(functional.leaky_relu(x)))


def cycles(f0: Tensor, start: float = 0.0) -> float:
    """The phase after the frames f0 (T,) or (1, T) Hz that began at phase `start`: cycles, 0..1."""
    return float((f0.double().sum() / FRAMES + start) % 1.0)

"""The text encoder of an RVC voice: features and pitch in, mean and log deviation of the latent out.

A transformer with relative positions within 10 frames. Module names are those of the official checkpoints.
Source: VITS (Kim et al. 2021) and "Self-attention with relative position representations" (Shaw et al. 2018).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaidol.models.rvc.config import VoiceConfig

WINDOW = 10  # frames to either side that have a relative position of their own
PITCHES = 256  # coarse pitch classes, 0 unused
SLOPE = 0.1  # of the leaky ReLU


class Table(nn.Module):
    """A row of weights per number. (torch's Embedding draws random rows first, which on the meta device costs 2 s.)"""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, width))

    def forward(self, numbers: Tensor) -> Tensor:
        return functional.embedding(numbers, self.weight)


class ChannelNorm(nn.Module):
    """Layer norm over the channels of (1, C, T)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(channels))
        self.beta = nn.Parameter(torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta).transpose(1, 2)


class RelativeAttention(nn.Module):
    """Self-attention over (1, C, T); keys and values get a learnt part for distances up to WINDOW."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        self.emb_rel_k = nn.Parameter(torch.empty(1, 2 * WINDOW + 1, channels // heads))
        self.emb_rel_v = nn.Parameter(torch.empty(1, 2 * WINDOW + 1, channels // heads))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (self._split(conv(x)) for conv in (self.conv_q, self.conv_k, self.conv_v))
        query = query / math.sqrt(query.shape[-1])
        frames = torch.arange(x.shape[2], device=x.device)
        distance = frames[None] - frames[:, None]  # (T, T): key - query
        near = distance.abs() <= WINDOW
        column = (distance + WINDOW).clamp(0, 2 * WINDOW).expand(self.heads, -1, -1)
        relative = torch.gather(query @ self.emb_rel_k[0].T, 2, column)
        scores = query @ key.transpose(1, 2) + relative * near
        weights = torch.softmax(scores, -1)
        # the weights of the 21 distances, summed per distance: each frame has at most one key at each
        by_distance = torch.zeros_like(query @ self.emb_rel_k[0].T).scatter_add(2, column, weights * near)
        out = weights @ value + by_distance @ self.emb_rel_v[0]
        mixed: Tensor = self.conv_o(out.transpose(1, 2).reshape(x.shape))
        return mixed

    def _split(self, x: Tensor) -> Tensor:
        """(1, C, T) -> (heads, T, C / heads)."""
        return x.view(self.heads, -1, x.shape[2]).transpose(1, 2)


class FeedForward(nn.Module):
    """Two convolutions with a ReLU between, over (1, C, T)."""

    def __init__(self, channels: int, inner: int, kernel: int) -> None:
        super().__init__()
        self.pad = ((kernel - 1) // 2, kernel // 2)
        self.conv_1 = nn.Conv1d(channels, inner, kernel)
        self.conv_2 = nn.Conv1d(inner, channels, kernel)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv_1(functional.pad(x, self.pad)))
        out: Tensor = self.conv_2(functional.pad(x, self.pad))
        return out


class Transformer(nn.Module):
    """Layers of attention and feed-forward, each added and then normed, over (1, C, T)."""

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        layers, hidden = range(config.layers), config.hidden
        self.attn_layers = nn.ModuleList(RelativeAttention(hidden, config.heads) for _ in layers)
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(hidden) for _ in layers)
        self.ffn_layers = nn.ModuleList(FeedForward(hidden, config.filter, config.kernel) for _ in layers)
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(hidden) for _ in layers)

    def forward(self, x: Tensor) -> Tensor:
        parts = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True)
        for attend, norm_1, feed, norm_2 in parts:
            x = norm_1(x + attend(x))
            x = norm_2(x + feed(x))
        return x


class Encoder(nn.Module):
    """units (1, T, 256 | 768), coarse pitch (1, T) int64 1..255 or None -> mean, log deviation (1, inter, T)."""

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        self.inter = config.inter
        self.emb_phone = nn.Linear(config.units, config.hidden)
        if config.pitched:
            self.emb_pitch = Table(PITCHES, config.hidden)
        self.encoder = Transformer(config)
        self.proj = nn.Conv1d(config.hidden, 2 * config.inter, 1)

    def forward(self, units: Tensor, pitch: Tensor | None) -> tuple[Tensor, Tensor]:
        x: Tensor = self.emb_phone(units)
        if pitch is not None:
            x = x + self.emb_pitch(pitch)
        x = functional.leaky_relu(x * math.sqrt(x.shape[2]), SLOPE)
        x = self.encoder(x.transpose(1, 2))
        mean, log_deviation = self.proj(x).split(self.inter, 1)
        return mean, log_deviation

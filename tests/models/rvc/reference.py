"""A second, plain implementation of the voice network for the tests: float64, loops, straight from the checkpoint.

Written from the published description, without looking for speed; shares nothing with the product.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class Reference:
    """One checkpoint in float64."""

    def __init__(self, made: dict[str, Any]) -> None:
        self.weight = {key: value.double() for key, value in made["weight"].items()}
        config = made["config"]
        self.inter, self.hidden, self.heads, self.layers, self.kernel = (config[i] for i in (2, 3, 5, 6, 7))
        self.kernels, self.dilations, self.rates, self.ups = (config[i] for i in (10, 11, 12, 14))
        self.hop = math.prod(self.rates)
        self.rate = 100 * self.hop

    def of(self, name: str) -> Tensor:
        """A weight, its weight norm undone in either spelling."""
        if name in self.weight:
            return self.weight[name]
        old = f"{name}_g" in self.weight
        owner = name.removesuffix(".weight")
        names = (f"{name}_g", f"{name}_v") if old else [f"{owner}.parametrizations.weight.original{i}" for i in (0, 1)]
        length, direction = (self.weight[key] for key in names)
        return torch.stack([direction[i] / direction[i].pow(2).sum().sqrt() * length[i] for i in range(len(direction))])

    def conv(self, name: str, x: Tensor, **how: Any) -> Tensor:
        return functional.conv1d(x, self.of(f"{name}.weight"), self.weight.get(f"{name}.bias"), **how)

    def attention(self, name: str, x: Tensor) -> Tensor:
        frames, size = x.shape[2], self.hidden // self.heads
        q, k, v = (self.conv(f"{name}.conv_{part}", x)[0] for part in "qkv")
        key_at, value_at = (self.of(f"{name}.emb_rel_{part}")[0] for part in "kv")
        out = torch.zeros_like(q)
        near = range(max(-10, 1 - frames), min(10, frames - 1) + 1)
        for head in range(self.heads):
            rows = slice(head * size, (head + 1) * size)
            query = q[rows].T / math.sqrt(size)
            scores = query @ k[rows]
            for step in near:  # the key lies `step` frames after the query, on one diagonal
                at = slice(max(0, -step), frames - max(0, step))
                scores.diagonal(step).add_(query[at] @ key_at[step + 10])
            weights = torch.softmax(scores, 1)
            heard = weights @ v[rows].T
            for step in near:
                at = slice(max(0, -step), frames - max(0, step))
                heard[at] += weights.diagonal(step)[:, None] * value_at[step + 10]
            out[rows] = heard.T
        return self.conv(f"{name}.conv_o", out[None])

    def encode(self, units: Tensor, pitch: Tensor | None) -> tuple[Tensor, Tensor]:
        x = units.double() @ self.of("enc_p.emb_phone.weight").T + self.of("enc_p.emb_phone.bias")
        if pitch is not None:
            x = x + self.of("enc_p.emb_pitch.weight")[pitch]
        x = functional.leaky_relu(x * math.sqrt(self.hidden), 0.1).transpose(1, 2)
        pad = ((self.kernel - 1) // 2, self.kernel // 2)
        for i in range(self.layers):
            x = self.norm(f"enc_p.encoder.norm_layers_1.{i}", x + self.attention(f"enc_p.encoder.attn_layers.{i}", x))
            y = functional.relu(self.conv(f"enc_p.encoder.ffn_layers.{i}.conv_1", functional.pad(x, pad)))
            y = self.conv(f"enc_p.encoder.ffn_layers.{i}.conv_2", functional.pad(y, pad))
            x = self.norm(f"enc_p.encoder.norm_layers_2.{i}", x + y)
        stats = self.conv("enc_p.proj", x)
        return stats[:, : self.inter], stats[:, self.inter :]

    def norm(self, name: str, x: Tensor) -> Tensor:
        mean, variance = x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True)
        scaled = (x - mean) / torch.sqrt(variance + 1e-5)
        return scaled * self.of(f"{name}.gamma")[:, None] + self.of(f"{name}.beta")[:, None]

    def flow(self, z: Tensor, told: Tensor) -> Tensor:
        half, hidden = self.inter // 2, self.hidden
        for i in (6, 4, 2, 0):
            name = f"flow.flows.{i}"
            z = torch.flip(z, [1])
            h = self.conv(f"{name}.pre", z[:, :half])
            bias = self.conv(f"{name}.enc.cond_layer", told)
            out = 0
            for j in range(3):
                a = (
                    self.conv(f"{name}.enc.in_layers.{j}", h, padding=2)
                    + bias[:, 2 * hidden * j : 2 * hidden * (j + 1)]
                )
                act = torch.tanh(a[:, :hidden]) * torch.sigmoid(a[:, hidden:])
                rs = self.conv(f"{name}.enc.res_skip_layers.{j}", act)
                if j < 2:
                    h, out = h + rs[:, :hidden], out + rs[:, hidden:]
                else:
                    out = out + rs
            z = torch.cat([z[:, :half], z[:, half:] - self.conv(f"{name}.post", out)], 1)
        return z

    def source(self, f0: Tensor, noise: Tensor) -> Tensor:
        samples = f0[0].double().repeat_interleave(self.hop)
        cycle = torch.cumsum(samples / self.rate, 0)
        voiced = samples > 0
        wave = 0.1 * torch.sin(2 * math.pi * cycle) * voiced
        wave = wave + torch.where(voiced, 0.003, 0.1 / 3) * noise[0, :, 0].double()
        weight, bias = (self.of(f"dec.m_source.l_linear.{part}") for part in ("weight", "bias"))
        return torch.tanh(wave * weight[0, 0] + bias[0])[None, None]

    def decode(self, z: Tensor, told: Tensor, source: Tensor | None) -> Tensor:
        x = self.conv("dec.conv_pre", z, padding=3) + self.conv("dec.cond", told)
        for i, (rate, kernel) in enumerate(zip(self.rates, self.ups, strict=True)):
            weight, bias = self.of(f"dec.ups.{i}.weight"), self.of(f"dec.ups.{i}.bias")
            x = functional.conv_transpose1d(
                functional.leaky_relu(x, 0.1), weight, bias, stride=rate, padding=(kernel - rate) // 2
            )
            if source is not None:
                stride = math.prod(self.rates[i + 1 :])
                x = x + self.conv(
                    f"dec.noise_convs.{i}", source, stride=stride, padding=stride // 2 if stride > 1 else 0
                )
            total = 0
            for j, (size, steps) in enumerate(zip(self.kernels, self.dilations, strict=True)):
                y = x
                for k, step in enumerate(steps):
                    name = f"dec.resblocks.{3 * i + j}"
                    t, pad = functional.leaky_relu(y, 0.1), step * (size - 1) // 2
                    t = self.conv(f"{name}.convs1.{k}", t, dilation=step, padding=pad)
                    y = y + self.conv(f"{name}.convs2.{k}", functional.leaky_relu(t, 0.1), padding=(size - 1) // 2)
                total = total + y
            x = total / len(self.kernels)
        return torch.tanh(self.conv("dec.conv_post", functional.leaky_relu(x, 0.01), padding=3))

    def infer(
        self,
        units: Tensor,
        pitch: Tensor | None,
        f0: Tensor | None,
        speaker: int,
        *,
        z_noise: Tensor,
        source_noise: Tensor,
        head: int = 0,
        length: int | None = None,
        formant: int | None = None,
    ) -> Tensor:
        """Everything over all frames but for the decoder, and the source that begins at the head."""
        mean, deviation = self.encode(units, pitch)
        z = mean + torch.exp(deviation) * z_noise.double() * 0.66666
        told = self.of("emb_g.weight")[speaker][None, :, None]
        begin = max(head - 24, 0)
        z = self.flow(z[:, :, begin:], told)[:, :, head - begin :]
        end = head + (units.shape[1] - head if length is None else length)
        z = z[:, :, : end - head]
        source = None
        if f0 is not None:
            source = self.source(f0[:, head:end], source_noise[:, head * self.hop : end * self.hop])
        if formant is not None:
            z = functional.interpolate(z, size=formant, mode="linear")
            source = None if source is None else functional.interpolate(source, size=formant * self.hop, mode="linear")
        return self.decode(z, told, source)

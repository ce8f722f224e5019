"""Random voice checkpoints in the official layout, of any width: what WebUI's "extract model" would write."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Shapes = Iterator[tuple[str, tuple[int, ...]]]

UPSAMPLING = {  # version, rate -> upsample rates, upsample kernels
    ("v1", "32k"): ([10, 4, 2, 2, 2], [16, 16, 4, 4, 4]),
    ("v1", "40k"): ([10, 10, 2, 2], [16, 16, 4, 4]),
    ("v1", "48k"): ([10, 6, 2, 2, 2], [16, 16, 4, 4, 4]),
    ("v2", "32k"): ([10, 8, 2, 2], [20, 16, 4, 4]),
    ("v2", "40k"): ([10, 10, 2, 2], [16, 16, 4, 4]),
    ("v2", "48k"): ([12, 10, 2, 2], [24, 20, 4, 4]),
}
KERNELS, DILATIONS = [3, 7, 11], [[1, 3, 5]] * 3


def checkpoint(
    seed: int, version: str = "v2", rate: str = "40k", *, f0: int = 1, official: bool = False, spelling: str = "old"
) -> dict[str, Any]:
    """A `.pth` as a dict; `official` widths or small ones; weight norm in the "old" or the "new" spelling of torch."""
    inter, hidden, inner, wide, speakers, told = (192, 192, 768, 512, 109, 256) if official else (12, 16, 24, 32, 3, 8)
    rates, kernels = UPSAMPLING[version, rate]
    sr = {"32k": 32000, "40k": 40000, "48k": 48000}[rate]
    config = [
        *(1025 if rate != "32k" else 513, 32, inter, hidden, inner, 2, 6 if official else 2, 3, 0, "1"),
        *(KERNELS, DILATIONS, rates, wide, kernels, 109, told, sr if seed % 2 else rate),
    ]
    generator = torch.Generator().manual_seed(seed)
    weight = OrderedDict()
    for name, shape in names(config, 256 if version == "v1" else 768, f0, speakers):
        for key, value in tensors(name, shape, generator, spelling):
            weight[key] = value.half()
    weight["enc_p.emb_phone.weight"] /= 8  # the features are about 1, so that the sum stays in float16's range
    return {"weight": weight, "config": config, "info": "200epoch", "sr": rate, "f0": f0, "version": version}


def names(config: list[Any], units: int, f0: int, speakers: int) -> Shapes:
    """Every weight of the official network, by the table in the specification. `weight!` marks a weight norm."""
    _, _, inter, hidden, inner, heads, layers, kernel, *_, rates, wide, kernels, _, told, _ = config
    yield "enc_p.emb_phone.weight", (hidden, units)
    yield "enc_p.emb_phone.bias", (hidden,)
    if f0:
        yield "enc_p.emb_pitch.weight", (256, hidden)
    for i in range(layers):
        for part in "qkvo":
            yield from conv(f"enc_p.encoder.attn_layers.{i}.conv_{part}", hidden, hidden, 1)
        for part in "kv":
            yield f"enc_p.encoder.attn_layers.{i}.emb_rel_{part}", (1, 21, hidden // heads)
        for norm in (1, 2):
            yield f"enc_p.encoder.norm_layers_{norm}.{i}.gamma", (hidden,)
            yield f"enc_p.encoder.norm_layers_{norm}.{i}.beta", (hidden,)
        yield from conv(f"enc_p.encoder.ffn_layers.{i}.conv_1", inner, hidden, kernel)
        yield from conv(f"enc_p.encoder.ffn_layers.{i}.conv_2", hidden, inner, kernel)
    yield from conv("enc_p.proj", 2 * inter, hidden, 1)
    yield from flow(inter, hidden, told)
    yield from decoder(inter, rates, kernels, wide, told=told, f0=f0)
    yield "emb_g.weight", (speakers, told)


def flow(inter: int, hidden: int, told: int) -> Shapes:
    for i in (0, 2, 4, 6):
        yield from conv(f"flow.flows.{i}.pre", hidden, inter // 2, 1)
        yield from conv(f"flow.flows.{i}.post", inter // 2, hidden, 1)
        yield from conv(f"flow.flows.{i}.enc.cond_layer", 6 * hidden, told, 1, "!")
        for j in range(3):
            yield from conv(f"flow.flows.{i}.enc.in_layers.{j}", 2 * hidden, hidden, 5, "!")
            yield from conv(f"flow.flows.{i}.enc.res_skip_layers.{j}", hidden * (2 if j < 2 else 1), hidden, 1, "!")


def decoder(inter: int, rates: list[int], kernels: list[int], wide: int, *, told: int, f0: int) -> Shapes:
    yield from conv("dec.conv_pre", wide, inter, 7)
    yield from conv("dec.cond", wide, told, 1)
    for i, kernel in enumerate(kernels):
        channels = wide // 2 ** (i + 1)
        yield f"dec.ups.{i}.weight!", (2 * channels, channels, kernel)
        yield f"dec.ups.{i}.bias", (channels,)
        stride = 1
        for later in rates[i + 1 :]:
            stride *= later
        if f0:
            yield from conv(f"dec.noise_convs.{i}", channels, 1, 2 * stride if i + 1 < len(rates) else 1)
        for j, size in enumerate(KERNELS):
            for k in range(3):
                for side in (1, 2):
                    yield from conv(f"dec.resblocks.{3 * i + j}.convs{side}.{k}", channels, channels, size, "!")
    yield "dec.conv_post.weight", (1, wide // 2 ** len(rates), 7)
    if f0:
        yield "dec.m_source.l_linear.weight", (1, 1)
        yield "dec.m_source.l_linear.bias", (1,)


def conv(name: str, out: int, into: int, kernel: int, norm: str = "") -> Shapes:
    yield f"{name}.weight{norm}", (out, into, kernel)
    yield f"{name}.bias", (out,)


def tensors(
    name: str, shape: tuple[int, ...], generator: torch.Generator, spelling: str
) -> Iterator[tuple[str, Tensor]]:
    """Random values whose layers neither fade nor blow up; a marked weight as length and direction."""
    fan = max(1, torch.Size(shape).numel() // shape[0])
    spread = 1.0 if name.startswith("emb_g") or "gamma" in name else 0.1 if len(shape) == 1 else fan**-0.5
    value = torch.randn(shape, generator=generator) * spread + ("gamma" in name)
    if not name.endswith("!"):
        yield name, value
        return
    length = 0.5 + torch.rand(shape[0], *[1] * (len(shape) - 1), generator=generator)
    owner = name.removesuffix(".weight!")
    if spelling == "old":
        yield f"{owner}.weight_g", length
        yield f"{owner}.weight_v", value
    else:
        yield f"{owner}.parametrizations.weight.original0", length
        yield f"{owner}.parametrizations.weight.original1", value


def save(path: Path, made: dict[str, Any]) -> Path:
    """Write the checkpoint as its maker would."""
    torch.save(made, path)
    return path

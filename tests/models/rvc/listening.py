"""RMVPE a second time, for the tests: random weights under the published names, and in float64 what they hear."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Weights = dict[str, Tensor]


def shapes(wide: int, hidden: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names as in `rmvpe.pt`, whose top level is 16 wide and whose GRU has 256."""
    yield from norm("unet.encoder.bn", 1)
    widths = [1, *(wide * 2**level for level in range(5))]
    for i in range(5):
        yield from level(f"unet.encoder.layers.{i}.conv", widths[i], widths[i + 1])
    for i in range(4):
        yield from level(f"unet.intermediate.layers.{i}.conv", widths[5] * (2 if i else 1), 2 * widths[5])
    for i in range(5):
        out = widths[5 - i]
        yield f"unet.decoder.layers.{i}.conv1.0.weight", (2 * out, out, 3, 3)
        yield from norm(f"unet.decoder.layers.{i}.conv1.1", out)
        yield from level(f"unet.decoder.layers.{i}.conv2", 2 * out, out)
    yield from (("cnn.weight", (3, wide, 3, 3)), ("cnn.bias", (3,)))
    for end in ("", "_reverse"):
        yield f"fc.0.gru.weight_ih_l0{end}", (3 * hidden, 384)
        yield f"fc.0.gru.weight_hh_l0{end}", (3 * hidden, hidden)
        yield from ((f"fc.0.gru.bias_{part}_l0{end}", (3 * hidden,)) for part in ("ih", "hh"))
    yield from (("fc.1.weight", (360, 2 * hidden)), ("fc.1.bias", (360,)))


def level(name: str, into: int, out: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for i in range(4):
        first = out if i else into
        yield f"{name}.{i}.conv.0.weight", (out, first, 3, 3)
        yield from norm(f"{name}.{i}.conv.1", out)
        yield f"{name}.{i}.conv.3.weight", (out, out, 3, 3)
        yield from norm(f"{name}.{i}.conv.4", out)
        if first != out:
            yield from ((f"{name}.{i}.shortcut.weight", (out, first, 1, 1)), (f"{name}.{i}.shortcut.bias", (out,)))


def norm(name: str, channels: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from ((f"{name}.{part}", (channels,)) for part in ("weight", "bias", "running_mean", "running_var"))
    yield f"{name}.num_batches_tracked", ()


def random_weights(seed: int, wide: int = 2, hidden: int = 6) -> Weights:
    """float16, as people have it."""
    generator, made = torch.Generator().manual_seed(seed), {}
    for name, shape in shapes(wide, hidden):
        if name.endswith("tracked"):
            made[name] = torch.tensor(1000)
        elif name.endswith("running_var"):
            made[name] = (0.5 + torch.rand(shape, generator=generator)).half()
        else:
            fan = max(1, math.prod(shape) // shape[0])
            spread = 0.1 if len(shape) == 1 else fan**-0.5
            made[name] = (torch.randn(shape, generator=generator) * spread + (".1.weight" in name)).half()
    return made


class Reference:
    """The network from its weights, in float64."""

    def __init__(self, weights: Weights) -> None:
        self.weight = {key: value.double() for key, value in weights.items()}

    def salience(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        mel = torch.from_numpy(log_mel(samples))
        frames = mel.shape[1]
        mel = torch.cat([mel, torch.zeros(128, -frames % 32)], 1)
        x = self.norm("unet.encoder.bn", mel.T[None, None])
        beside = []
        for i in range(5):
            x = self.level(f"unet.encoder.layers.{i}.conv", x)
            beside.append(x)
            x = x.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))
        for i in range(4):
            x = self.level(f"unet.intermediate.layers.{i}.conv", x)
        for i in range(5):
            weight = self.weight[f"unet.decoder.layers.{i}.conv1.0.weight"]
            x = functional.conv_transpose2d(x, weight, stride=2, padding=1, output_padding=1)
            x = self.norm(f"unet.decoder.layers.{i}.conv1.1", x).relu()
            x = self.level(f"unet.decoder.layers.{i}.conv2", torch.cat([x, beside[4 - i]], 1))
        x = functional.conv2d(x, self.weight["cnn.weight"], self.weight["cnn.bias"], padding=1)
        rows = torch.stack([x[0, :, frame].reshape(-1) for frame in range(x.shape[2])])
        both = torch.cat([self.gru(rows, ""), self.gru(rows.flip(0), "_reverse").flip(0)], 1)
        out = torch.sigmoid(both @ self.weight["fc.1.weight"].T + self.weight["fc.1.bias"])
        return out[:frames].numpy()

    def level(self, name: str, x: Tensor) -> Tensor:
        for i in range(4):
            y = x
            for conv, scale in ((0, 1), (3, 4)):
                y = functional.conv2d(y, self.weight[f"{name}.{i}.conv.{conv}.weight"], padding=1)
                y = self.norm(f"{name}.{i}.conv.{scale}", y).relu()
            short = self.weight.get(f"{name}.{i}.shortcut.weight")
            x = y + (x if short is None else functional.conv2d(x, short, self.weight[f"{name}.{i}.shortcut.bias"]))
        return x

    def norm(self, name: str, x: Tensor) -> Tensor:
        scale, bias, mean, variance = (
            self.weight[f"{name}.{part}"].view(-1, 1, 1) for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / torch.sqrt(variance + 1e-5) * scale + bias

    def gru(self, rows: Tensor, end: str) -> Tensor:
        into, back = (self.weight[f"fc.0.gru.weight_{part}_l0{end}"] for part in ("ih", "hh"))
        bias, bias_back = (self.weight[f"fc.0.gru.bias_{part}_l0{end}"] for part in ("ih", "hh"))
        state, out = torch.zeros(back.shape[1], dtype=torch.float64), []
        for row in rows:
            r, z, n = (into @ row + bias).chunk(3)
            r_back, z_back, n_back = (back @ state + bias_back).chunk(3)
            r, z = torch.sigmoid(r + r_back), torch.sigmoid(z + z_back)
            state = (1 - z) * torch.tanh(n + r * n_back) + z * state
            out.append(state)
        return torch.stack(out)


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) -> (128, n // 160 + 1), by the definition of the discrete Fourier transform."""
    sound = np.pad(samples.astype(np.float64), 512, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    wave = np.exp(-2j * np.pi * np.outer(np.arange(513), np.arange(1024)) / 1024)
    frames = [sound[at : at + 1024] * window for at in range(0, len(sound) - 1023, 160)]
    spectrum = np.abs(wave @ np.array(frames).T)
    hz = 700 * (10 ** (np.linspace(mel(30), mel(8000), 130) / 2595) - 1)
    bank = np.zeros((128, 513))
    for band in range(128):
        low, middle, high = hz[band : band + 3]
        for k in range(513):
            f = k * 8000 / 512
            height = (f - low) / (middle - low) if f <= middle else (high - f) / (high - middle)
            bank[band, k] = max(0.0, height) * 2 / (high - low)
    return np.log(np.maximum(bank @ spectrum, 1e-5))


def mel(hz: float) -> float:
    return 2595 * math.log10(1 + hz / 700)

"""RMVPE, a network that hears the pitch of a voice through noise and music: 16 kHz sound in, f0 at 100 frames/s out.

Source: "RMVPE: a robust model for vocal pitch estimation in polyphonic music" (Wei et al. 2023). Module names are those
of `rmvpe.pt`, which is the user's own file.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from vaidol.models.errors import LoadError
from vaidol.models.rvc.files import open_tensors, tensors_of
from vaidol.models.rvc.weights import fill

F32 = NDArray[np.float32]

RATE = 16_000  # Hz
WINDOW, HOP = 1024, 160  # samples of the spectrum
BANDS, LOWEST, HIGHEST = 128, 30.0, 8000.0  # mel bands, Hz
FLOOR = 1e-5  # of the magnitude before the logarithm
BINS = 360  # pitch classes of 20 cents each
FIRST_CENTS = 1997.3794084376191  # of bin 0, above 10 Hz
BLOCK = 32  # the network halves the frames five times
DEPTH, INNER, BLOCKS = 5, 4, 4  # levels of the U, layers at its bottom, blocks per layer
PIECE, MARGIN = 6016, 320  # frames: a longer sound is heard in pieces, each with so many beside it
VOICED = 0.03  # salience below which a frame is unvoiced
NEEDED = "rmvpe.pt, the weights of RMVPE,"


class Norm(nn.Module):
    """Batch norm with the statistics of training."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.register_buffer("running_mean", torch.empty(channels))
        self.register_buffer("running_var", torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


class Block(nn.Module):
    """Two convolutions, added to what they were given."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        first, second = nn.Conv2d(into, out, 3, padding=1, bias=False), nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.conv = nn.Sequential(first, Norm(out), nn.ReLU(), second, Norm(out), nn.ReLU())
        self.shortcut = nn.Conv2d(into, out, 1) if into != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.conv(x) + self.shortcut(x)
        return added


class Level(nn.Module):
    """The blocks of one level on the way down, or of one layer at the bottom."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(*(Block(out if i else into, out) for i in range(BLOCKS)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class Up(nn.Module):
    """One level on the way up: twice the size, beside what the same level had on the way down."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        wider = nn.ConvTranspose2d(into, out, 3, 2, 1, output_padding=1, bias=False)
        self.conv1 = nn.Sequential(wider, Norm(out), nn.ReLU())
        self.conv2 = nn.ModuleList(Block(out if i else 2 * out, out) for i in range(BLOCKS))

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        x = torch.cat((self.conv1(x), beside), 1)
        for block in self.conv2:
            x = block(x)
        return x


class Encoder(nn.Module):
    """(1, 1, T, 128) -> the bottom of the U, and what each level had on the way down."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.bn = Norm(1)
        self.layers = nn.ModuleList(Level(into, out) for into, out in pairwise(widths))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        x, levels = self.bn(x), []
        for layer in self.layers:
            levels.append(layer(x))
            x = functional.avg_pool2d(levels[-1], 2)
        return x, levels


class Bottom(nn.Module):
    """The layers at the bottom of the U."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Level(out if i else into, out) for i in range(INNER))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Decoder(nn.Module):
    """The way up."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Up(2 * width, width) for width in reversed(widths[1:]))

    def forward(self, x: Tensor, levels: list[Tensor]) -> Tensor:
        for layer, beside in zip(self.layers, reversed(levels), strict=True):
            x = layer(x, beside)
        return x


class UNet(nn.Module):
    """(1, 1, T, 128) -> (1, wide, T, 128)."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        widths = [1, *(wide << level for level in range(DEPTH))]
        self.encoder = Encoder(widths)
        self.intermediate = Bottom(widths[-1], 2 * widths[-1])
        self.decoder = Decoder(widths)

    def forward(self, x: Tensor) -> Tensor:
        x, levels = self.encoder(x)
        out: Tensor = self.decoder(self.intermediate(x), levels)
        return out


class Recurrent(nn.Module):
    """(1, T, in) -> (1, T, 2 * hidden): a GRU forwards and one backwards."""

    def __init__(self, into: int, hidden: int) -> None:
        super().__init__()
        self.gru = nn.GRU(into, hidden, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.gru(x)[0]
        return out


class Net(nn.Module):
    """Log-mel (1, 128, T), T a multiple of 32 -> salience (1, T, 360), 0..1; `wide` channels at the top."""

    def __init__(self, wide: int, hidden: int) -> None:
        super().__init__()
        self.unet = UNet(wide)
        self.cnn = nn.Conv2d(wide, 3, 3, padding=1)
        self.fc = nn.Sequential(Recurrent(3 * BANDS, hidden), nn.Linear(2 * hidden, BINS))

    def forward(self, mel: Tensor) -> Tensor:
        x = self.cnn(self.unet(mel.transpose(1, 2)[:, None]))
        return torch.sigmoid(self.fc(x.transpose(1, 2).flatten(2)))


class Rmvpe:
    """The weights and what turns sound into f0; it keeps nothing between calls."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self._bank = torch.from_numpy(mel_bank())
        self._window = torch.hann_window(WINDOW)

    def to(self, device: torch.device | str) -> "Rmvpe":
        """Move the weights; gives itself back."""
        self.net = self.net.to(device)
        self._bank, self._window = self._bank.to(device), self._window.to(device)
        return self

    def f0(self, samples: F32, *, voiced: float = VOICED) -> F32:
        """The pitch of `samples` (n,), [-1, 1], 16 kHz: (n // 160 + 1,) Hz, 0 where salience stays below `voiced`."""
        return decode(self.salience(samples), voiced).astype(np.float32)

    @torch.no_grad()
    def salience(self, samples: F32) -> F32:
        """How strongly each of 360 pitches is heard in each frame: (n // 160 + 1, 360), 0..1.

        Up to 60 s are heard whole, as by the original; longer ones in pieces, which bounds the memory.
        """
        mel = self.log_mel(torch.as_tensor(samples).to(self._bank))
        frames, heard = mel.shape[2], []
        for begin in range(0, frames, PIECE):
            start = max(0, begin - MARGIN)
            piece = mel[:, :, start : begin + PIECE + MARGIN]
            out = self.net(functional.pad(piece, (0, -piece.shape[2] % BLOCK)))
            heard.append(out[0, begin - start :][: min(PIECE, frames - begin)])
        return torch.cat(heard).float().cpu().numpy()

    def log_mel(self, sound: Tensor) -> Tensor:
        """(n,) -> (1, 128, n // 160 + 1). Samples that are not finite are silence."""
        sound = torch.nan_to_num(sound, posinf=0.0, neginf=0.0)
        frames = sound.shape[0] // HOP + 1
        sound = functional.pad(sound, (0, max(0, WINDOW - sound.shape[0])))  # it is mirrored by half a window
        spectrum = torch.stft(sound, WINDOW, HOP, window=self._window, return_complex=True).abs()
        return torch.log(torch.clamp(self._bank @ spectrum[:, :frames], min=FLOOR))[None]


def load_rmvpe(path: Path | str) -> Rmvpe:
    """RMVPE from the user's `rmvpe.pt` (or the same as safetensors), of any width, on the CPU in float32.

    Nothing in the file is run. Raises LoadError.
    """
    file = open_tensors(Path(path), NEEDED.removesuffix(","))
    specs = tensors_of(file.tree)
    top, gru = specs.get("cnn.weight"), specs.get("fc.0.gru.weight_hh_l0")
    if top is None or gru is None or len(top.shape) != 4 or len(gru.shape) != 2:
        raise LoadError(f"{file.path} holds no RMVPE: {NEEDED} is needed")
    with torch.device("meta"):
        net = Net(top.shape[1], gru.shape[1])
    return Rmvpe(fill(net, file, specs, NEEDED.removesuffix(",")))


def decode(salience: F32, voiced: float = VOICED) -> NDArray[np.float64]:
    """(T, 360) -> (T,) Hz: the weighted mean of the nine bins around the strongest; 0 where it is below `voiced`."""
    best = salience.argmax(1)
    around = best[:, None] + np.arange(-4, 5)
    inside = (around >= 0) & (around < BINS)
    weights = np.where(inside, np.take_along_axis(salience, around.clip(0, BINS - 1), 1), 0).astype(np.float64)
    cents = (weights * (20 * around + FIRST_CENTS)).sum(1) / np.maximum(weights.sum(1), 1e-30)
    hertz: NDArray[np.float64] = np.where(salience.max(1) > voiced, 10 * 2 ** (cents / 1200), 0)
    return hertz


def mel_bank() -> F32:
    """Triangles on the HTK mel scale, each of area 2 / width in Hz (Slaney's norm): (128, 513)."""
    low, high = (2595 * np.log10(1 + bound / 700) for bound in (LOWEST, HIGHEST))
    mels = np.linspace(low, high, BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    bank: F32 = (np.maximum(0, np.minimum(rise, fall)) * area[:, None]).astype(np.float32)
    return bank

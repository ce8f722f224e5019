"""ContentVec, the HuBERT that RVC voices hear with: sound in, features of what is said out.

The network is HuBERT base (Hsu et al. 2021) of any width; module names are those of the Hugging Face layout. Units come
at 50 per second: one per 320 samples, each of which sees 400.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from vaidol.models.errors import LoadError
from vaidol.models.rvc.files import TensorFile, open_tensors, tensors_of
from vaidol.models.rvc.pickled import TensorSpec
from vaidol.models.rvc.weights import fill

RATE = 16_000  # Hz
WINDOW = 400  # samples that one unit sees
HOP = 320  # samples between units
V1_LAYER = 9  # the layer that v1 voices hear, through the projection
STRIDES = (5, 2, 2, 2, 2, 2, 2)
NEEDED = "ContentVec (hubert_base.pt, or a folder with config.json and its weights) is needed"
PLAIN = ("dict", "list", "tuple", "set", "str", "int", "float", "bool", "object")
FAIRSEQ = (  # what stands beside the weights in fairseq's files; none of it is needed
    *("fairseq.", "omegaconf.", "argparse.Namespace", "collections.defaultdict", "typing.Any", "pathlib.PosixPath"),
    *("numpy.dtype", "numpy.ndarray", "numpy.core.multiarray.", "numpy._core.multiarray.", "_codecs.encode"),
    *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in PLAIN),
)
FAIRSEQ_NAMES = (  # in the order they are replaced
    ("post_extract_proj.", "feature_projection.projection."),
    ("encoder.pos_conv.0.", "encoder.pos_conv_embed.conv."),
    (".self_attn_layer_norm.", ".layer_norm."),
    (".self_attn.", ".attention."),
    (".fc1.", ".feed_forward.intermediate_dense."),
    (".fc2.", ".feed_forward.output_dense."),
)
UNUSED = ("masked_spec_embed", "mask_emb", "label_embs_concat", "lm_head.")


@dataclass(frozen=True, slots=True)
class HubertShape:
    """The widths of one HuBERT; `convs` are (channels in, channels out, kernel, stride) of the layers that hear."""

    convs: tuple[tuple[int, int, int, int], ...]
    hidden: int
    inner: int
    heads: int
    layers: int
    position: tuple[int, int]  # kernel and groups of the positional convolution
    projected: int  # width of the final projection, 0 without


class ConvLayer(nn.Module):
    """Convolution, on the first layer a norm over time, GELU."""

    def __init__(self, into: int, out: int, kernel: int, stride: int, *, first: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(into, out, kernel, stride, bias=False)
        self.layer_norm = nn.GroupNorm(out, out) if first else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return functional.gelu(self.layer_norm(self.conv(x)))


class Layer(nn.Module):
    """Attention and feed-forward, each added and then normed, over (1, T, hidden)."""

    def __init__(self, shape: HubertShape) -> None:
        super().__init__()
        self.heads = shape.heads
        parts = ("q_proj", "k_proj", "v_proj", "out_proj")
        self.attention = nn.ModuleDict({part: nn.Linear(shape.hidden, shape.hidden) for part in parts})
        self.layer_norm = nn.LayerNorm(shape.hidden)
        self.feed_forward = nn.ModuleDict(
            {
                "intermediate_dense": nn.Linear(shape.hidden, shape.inner),
                "output_dense": nn.Linear(shape.inner, shape.hidden),
            }
        )
        self.final_layer_norm = nn.LayerNorm(shape.hidden)

    def forward(self, x: Tensor) -> Tensor:
        size = (1, x.shape[1], self.heads, -1)
        q, k, v = (self.attention[part](x).view(size).transpose(1, 2) for part in ("q_proj", "k_proj", "v_proj"))
        heard = functional.scaled_dot_product_attention(q, k, v)
        x = self.layer_norm(x + self.attention["out_proj"](heard.transpose(1, 2).reshape(x.shape)))
        inner = functional.gelu(self.feed_forward["intermediate_dense"](x))
        normed: Tensor = self.final_layer_norm(x + self.feed_forward["output_dense"](inner))
        return normed


class Ear(nn.Module):
    """Sound (1, 1, n) -> (1, C, T): the layers that hear."""

    def __init__(self, shape: HubertShape) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList(ConvLayer(*sizes, first=not i) for i, sizes in enumerate(shape.convs))

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.conv_layers:
            x = conv(x)
        return x


class Projection(nn.Module):
    """Norm and linear layer between ear and transformer, over (1, T, C)."""

    def __init__(self, heard: int, hidden: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(heard)
        self.projection = nn.Linear(heard, hidden)

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.projection(self.layer_norm(x))
        return projected


class Position(nn.Module):
    """What a frame learns of its place: a wide grouped convolution over (1, T, hidden)."""

    def __init__(self, shape: HubertShape) -> None:
        super().__init__()
        kernel, groups = shape.position
        self.conv = nn.Conv1d(shape.hidden, shape.hidden, kernel, padding=kernel // 2, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        placed = self.conv(x.transpose(1, 2))[:, :, : x.shape[1]]  # an even kernel gives one frame too many
        return functional.gelu(placed).transpose(1, 2)


class Transformer(nn.Module):
    """Position, norm and the layers, over (1, T, hidden)."""

    def __init__(self, shape: HubertShape) -> None:
        super().__init__()
        self.pos_conv_embed = Position(shape)
        self.layer_norm = nn.LayerNorm(shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))

    def forward(self, x: Tensor, layers: int | None) -> Tensor:
        x = self.layer_norm(x + self.pos_conv_embed(x))
        for layer in self.layers[:layers]:
            x = layer(x)
        return x


class Hubert(nn.Module):
    """The network; it keeps nothing between calls. `forward` is what an export needs, `units` what a voice needs."""

    def __init__(self, shape: HubertShape) -> None:
        super().__init__()
        self.shape = shape
        self.feature_extractor = Ear(shape)
        self.feature_projection = Projection(shape.convs[-1][1], shape.hidden)
        self.encoder = Transformer(shape)
        if shape.projected:
            self.final_proj = nn.Linear(shape.hidden, shape.projected)

    @torch.no_grad()
    def units(self, samples: NDArray[np.float32] | Tensor, version: str) -> Tensor:
        """What is said in `samples` (n,), [-1, 1], 16 kHz: (1, T, 256) for "v1", (1, T, 768) for "v2".

        T = (n - 400) // 320 + 1; a shorter clip is filled up with silence. Samples that are not finite are silence.
        Raises ValueError for "v1" if the file had no projection.
        """
        if version == "v1" and not self.shape.projected:
            raise ValueError("these weights have no final_proj, which v1 voices need")
        where = self.feature_projection.projection.weight
        sound = torch.as_tensor(samples).reshape(1, 1, -1).to(where)
        sound = torch.nan_to_num(sound, posinf=0.0, neginf=0.0)
        sound = functional.pad(sound, (0, max(0, WINDOW - sound.shape[2])))
        units: Tensor = self.final_proj(self(sound, V1_LAYER)) if version == "v1" else self(sound)
        return units

    def forward(self, sound: Tensor, layers: int | None = None) -> Tensor:
        """(1, 1, n) -> the output of the first `layers` layers, all by default: (1, T, hidden)."""
        heard = self.feature_projection(self.feature_extractor(sound).transpose(1, 2))
        out: Tensor = self.encoder(heard, layers)
        return out


def load_hubert(path: Path | str) -> Hubert:
    """HuBERT from a folder (config.json with model.safetensors or pytorch_model.bin), one of these files, or fairseq's
    `hubert_base.pt`, which needs no fairseq; on the CPU in float32. Nothing in the file is run. Raises LoadError.
    """
    path = Path(path)
    if path.is_dir():
        found = [path / name for name in ("model.safetensors", "pytorch_model.bin") if (path / name).is_file()]
        if not found:
            raise LoadError(f"{path} holds neither model.safetensors nor pytorch_model.bin: {NEEDED}")
        path = found[0]
    file = open_tensors(path, NEEDED.removesuffix(" is needed"), FAIRSEQ)
    specs = dict(_named(file))
    described = _described(path.with_name("config.json")) if "model" not in file.tree else {}
    shape = _shape(file, specs, described)
    with torch.device("meta"):
        network = Hubert(shape)
    return fill(network, file, specs, NEEDED.removesuffix(" is needed"))


def _named(file: TensorFile) -> Iterator[tuple[str, TensorSpec]]:
    """The tensors under their Hugging Face names."""
    tree = file.tree if isinstance(file.tree, dict) else {}
    fairseq = isinstance(tree.get("model"), dict)
    for key, spec in tensors_of(tree["model"] if fairseq else tree).items():
        name = _from_fairseq(key) if fairseq else key.removeprefix("hubert.")
        if not name.startswith(UNUSED):
            yield name, spec


def _from_fairseq(key: str) -> str:
    parts = key.split(".")
    if key.startswith("feature_extractor.conv_layers."):
        part = {"0": "conv", "2": "layer_norm"}.get(parts[3], parts[3])
        return ".".join((*parts[:3], part, parts[-1]))
    if parts[0] == "layer_norm":
        return f"feature_projection.{key}"
    for old, new in FAIRSEQ_NAMES:
        key = key.replace(old, new) if old in key else key
    return key


def _described(path: Path) -> Mapping[str, Any]:
    """The config.json beside the weights; {} without one. Raises LoadError for a network of another kind."""
    if not path.is_file():
        return {}
    try:
        described = json.loads(path.read_bytes()[: 1 << 20])
    except (OSError, ValueError, RecursionError) as error:
        raise LoadError(f"{path} cannot be read as JSON: {NEEDED}") from error
    wanted = {"feat_extract_norm": "group", "do_stable_layer_norm": False, "conv_bias": False, "hidden_act": "gelu"}
    for name, value in wanted.items():
        if not isinstance(described, dict) or described.get(name, value) != value:
            raise LoadError(f"{path} describes a HuBERT with another {name} than {value}: {NEEDED}")
    return dict(described)


def _shape(file: TensorFile, specs: Mapping[str, TensorSpec], described: Mapping[str, Any]) -> HubertShape:
    """The widths, from the shapes of the tensors; what these do not say, from the description. Raises LoadError."""
    strides = described.get("conv_stride", STRIDES)
    try:
        kernels = [specs[f"feature_extractor.conv_layers.{i}.conv.weight"].shape for i in range(len(strides))]
        convs = tuple((into, out, size, step) for (out, into, size), step in zip(kernels, strides, strict=True))
        inner, hidden = specs["encoder.layers.0.feed_forward.intermediate_dense.weight"].shape
        position = next(
            spec.shape for key, spec in specs.items() if key.startswith("encoder.pos_conv") and spec.shape[1:2] > (1,)
        )
        layers = 1 + max(int(key.split(".")[2]) for key in specs if key.startswith("encoder.layers."))
        heads = described.get("num_attention_heads", max(1, hidden // 64))
        ends = specs.get("final_proj.weight")
        shape = HubertShape(
            convs=convs,
            hidden=hidden,
            inner=inner,
            heads=heads,
            layers=layers,
            position=(position[2], hidden // position[1]),
            projected=ends.shape[0] if ends else 0,
        )
        counts = (heads, *strides)
        if not all(type(count) is int and 0 < count < 256 for count in counts) or layers > 64:
            raise ValueError("numbers out of range")
        if hidden % heads or hidden % shape.position[1]:
            raise ValueError("the widths do not fit")
    except (KeyError, ValueError, TypeError, IndexError, StopIteration, ZeroDivisionError) as error:
        raise LoadError(f"{file.path} holds no HuBERT of the base kind ({error}): {NEEDED}") from error
    return shape

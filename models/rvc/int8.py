"""A decoder in 8-bit integers, for ONNX Runtime: made once from a voice and an example, then kept by its SHA-256."""

import hashlib
import importlib.util
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaidol.models.errors import LoadError
from vaidol.models.onnx import open_onnx
from vaidol.models.rvc.decoder import Decoder
from vaidol.models.store import default_root

VERSION = b"2"  # of how it is made: part of the name it is kept by
OPSET = 18
NAMES = ("z", "speaker", "source")
LEFT = ("/conv_pre/", "/cond/", "/noise_convs", "/conv_post/")  # cheap, and what is lost there is lost for all: float32
PIECE = 50  # frames of one example


def quantised(decoder: Decoder, inputs: tuple[Tensor, ...], folder: Path | None = None) -> Any:
    """An onnxruntime session of `decoder`, whose residual convolutions compute in int8 within the ranges that `inputs`
    (z, speaker[, source]) set. Takes 10 to 20 s for an official voice the first time. Raises LoadError.
    """
    kept = (folder or default_root() / "quantised") / f"{_digest(decoder)}.onnx"
    if kept.is_file():
        with suppress(LoadError):  # a damaged one is made again
            return open_onnx(kept)
    if importlib.util.find_spec("onnx") is None:
        raise LoadError("int8 needs the package onnx: pip install 'vaidol[ml]'")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            made = _make(decoder, inputs, Path(scratch))
            os.replace(made, kept)
    except OSError as error:
        raise LoadError(f"{kept} cannot be written: {error.strerror}") from error
    return open_onnx(kept)


def _digest(decoder: Decoder) -> str:
    digest = hashlib.sha256(VERSION)
    for name, weight in sorted(decoder.state_dict().items()):
        digest.update(name.encode() + str(tuple(weight.shape)).encode())
        digest.update(weight.float().contiguous().numpy().data)
    return digest.hexdigest()


def _make(decoder: Decoder, inputs: tuple[Tensor, ...], folder: Path) -> Path:
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    plain, made = folder / "plain.onnx", folder / "int8.onnx"
    names = list(NAMES[: len(inputs)])
    lengths = {"z": {2: "frames"}, "source": {2: "samples"}, "samples": {2: "samples"}}
    with warnings.catch_warnings(), torch.no_grad(), _quiet():
        warnings.simplefilter("ignore")  # the exporter says that it will be replaced, and what tracing leaves out
        torch.onnx.export(
            decoder, inputs, str(plain), dynamo=False, opset_version=OPSET, input_names=names, output_names=["samples"],
            dynamic_axes={name: axes for name, axes in lengths.items() if name in (*names, "samples")},
        )  # fmt: skip
        names = [node.name for node in onnx.load(str(plain)).graph.node]
        quantize_static(
            str(plain), str(made), _Examples(inputs), quant_format=QuantFormat.QDQ, per_channel=True,
            weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8, op_types_to_quantize=["Conv"],
            nodes_to_exclude=[name for name in names if name.startswith(LEFT)],
        )  # fmt: skip
    return made


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what onnxruntime tells the root logger: to simplify the graph first, which gains nothing here."""

    def wanted(record: logging.LogRecord) -> bool:
        return "pre-processing" not in record.getMessage()

    root = logging.getLogger()
    root.addFilter(wanted)
    try:
        yield
    finally:
        root.removeFilter(wanted)


class _Examples:
    """What the ranges are measured with: `inputs` in pieces, as quantize_static wants them."""

    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        frames = inputs[0].shape[2]
        hop = inputs[2].shape[2] // frames if len(inputs) > 2 else 0
        self._fed = iter(
            {
                name: (one if name == "speaker" else one[:, :, at * size : (at + PIECE) * size]).contiguous().numpy()
                for name, one, size in zip(NAMES, inputs, (1, 1, hop), strict=False)
            }
            for at in range(0, frames - PIECE + 1, PIECE)
        )

    def get_next(self) -> dict[str, Any] | None:
        return next(self._fed, None)

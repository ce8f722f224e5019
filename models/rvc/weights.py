"""Weights on their way from a file into a network: weight norm folded, shapes compared before memory is taken."""

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from vaidol.models.errors import LoadError
from vaidol.models.rvc.files import TensorFile, shown
from vaidol.models.rvc.pickled import TensorSpec

Network = TypeVar("Network", bound=nn.Module)


def fill(network: Network, file: TensorFile, specs: Mapping[str, TensorSpec], needed: str) -> Network:
    """Give `network`, which lies on the meta device, the tensors of `file`; it comes back in float32, for inference.

    `specs` are the file's tensors under the network's own names, weight norm not folded yet. All shapes are compared
    first. Raises LoadError for a tensor that is missing, of another shape, or unknown.
    """
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    sources = {key: _source(key, file, specs, needed) for key in wanted}
    for key, shape in wanted.items():
        spec = specs[sources[key][-1]]
        if spec.shape != shape or not _is_float(spec):
            has = f"{key} as {_words(spec)}, its own description needs {list(shape)}"
            raise LoadError(f"{file.path} has {has}: {needed} is needed")
    used = {name for names in sources.values() for name in names}
    left = {key for key in specs if key not in used and not key.endswith("num_batches_tracked")}
    if left:
        raise LoadError(f"{file.path} has {shown(min(left))}, which belongs to another network: {needed} is needed")
    tensors = {key: fold(*(file.read(specs[name]) for name in names)) for key, names in sources.items()}
    for key, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise LoadError(f"{file.path} has values in {key} that are not finite: fetch or copy it again")
    network.load_state_dict(tensors, assign=True)
    return network.requires_grad_(False).eval()


def fold(*parts: Tensor) -> Tensor:
    """A weight as it is, or from its weight norm (length, direction): the direction scaled to the length.

    The length has size 1 in the dimensions that are normed over: all but the first in a voice, all but the last in
    HuBERT's positional convolution.
    """
    if len(parts) == 1:
        return parts[0]
    length, direction = parts
    over = [axis for axis, size in enumerate(length.shape) if size == 1]
    norm: Tensor = torch.linalg.vector_norm(direction, dim=over, keepdim=True)
    return direction * (length / norm)


def _source(key: str, file: TensorFile, specs: Mapping[str, TensorSpec], needed: str) -> tuple[str, ...]:
    """The names of what the weight `key` is made of: itself, or length and direction. Raises LoadError."""
    owner, _, name = key.rpartition(".")
    new = f"{owner}.parametrizations.{name}.original"
    for names in ((key,), (f"{key}_g", f"{key}_v"), (f"{new}0", f"{new}1")):  # the latter two are torch's spellings
        if all(name in specs for name in names):
            if len(names) > 1:
                _check_length(file, key, specs[names[0]], specs[names[1]])
            return names
    raise LoadError(f"{file.path} has no {key}: {needed} is needed")


def _check_length(file: TensorFile, key: str, length: TensorSpec, direction: TensorSpec) -> None:
    sizes = zip(length.shape, direction.shape, strict=False)
    fits = len(length.shape) == len(direction.shape) and all(size in (1, whole) for size, whole in sizes)
    if not fits or not _is_float(length):
        has = f"a weight norm of {_words(length)} for {key} of {list(direction.shape)}"
        raise LoadError(f"{file.path} has {has}: it is damaged")


def _is_float(spec: TensorSpec) -> bool:
    return "float" in spec.storage.dtype


def _words(spec: TensorSpec) -> str:
    return f"{list(spec.shape)} {spec.storage.dtype}"

"""Open a file of tensors (PyTorch's two layouts, safetensors) without running what it holds.

Everything that the file claims (sizes, shapes, offsets) is compared with its real size first; memory is taken when a
tensor is read, never for a claim.
"""

import json
import struct
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaidol.models.errors import LoadError
from vaidol.models.rvc.pickled import Malformed, Reader, StorageSpec, TensorSpec, Unsafe

MAX_FILE = 4 << 30  # bytes; the largest network known to be used here has 1.3 GB
MAX_HEADER = 8 << 20  # bytes; a voice's is 50 KB
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of a torch.save before 1.6
KINDS = {  # first bytes, in lower case, of what people have in the place of weights
    b"<": "a web page",
    b"version https:": "a Git LFS pointer without the file itself",
    b"\x80": "a plain pickle",
    b"iwfl": "a faiss index",
    b"ixf": "a faiss index",
    b"riff": "a recording",
    b"gguf": "a language model",
    b"7z": "a packed archive",
    b"rar!": "a packed archive",
    b"\x1f\x8b": "a packed archive",
}
SAFE_DTYPES = {"F64": ("float64", 8), "F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2)}
SAFE_DTYPES |= {"I64": ("int64", 8), "I32": ("int32", 4), "I16": ("int16", 2), "I8": ("int8", 1)}
SAFE_DTYPES |= {"U8": ("uint8", 1), "BOOL": ("bool", 1)}


@dataclass(frozen=True, slots=True)
class TensorFile:
    """An inspected file: `tree` is its plain data with a TensorSpec in place of every tensor.

    `metadata` are the strings of a safetensors file, `starts` is where each storage begins in bytes.
    """

    path: Path
    tree: Any
    starts: dict[str, int]
    metadata: dict[str, str]

    def read(self, spec: TensorSpec) -> Tensor:
        """The tensor in memory of its own, float32 on the CPU whatever the file has. Raises LoadError."""
        storage = spec.storage
        extent = 1 + sum((size - 1) * step for size, step in zip(spec.shape, spec.stride, strict=True))
        dtype = getattr(torch, storage.dtype)
        if spec.count == 0:
            return torch.zeros(spec.shape)
        with self.path.open("rb") as file:
            file.seek(self.starts[storage.key] + spec.offset * storage.width)
            data = bytearray(file.read(extent * storage.width))
        if len(data) != extent * storage.width:
            raise damaged(self.path, "it has become shorter while it was read")
        values = torch.frombuffer(data, dtype=dtype).as_strided(spec.shape, spec.stride)
        return values.to(torch.float32).contiguous()


def shown(text: object) -> str:
    """What a file calls something, fit for a message: one line, printable, short."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text)[:80])


def damaged(path: Path, why: str) -> LoadError:
    """The error for a file that is not whole."""
    return LoadError(f"{path} is cut off or damaged ({shown(why)}): fetch or copy it again")


def open_tensors(path: Path, needed: str, allowed: tuple[str, ...] = ()) -> TensorFile:
    """Inspect the file; `needed` says what it should be, for the message ("an RVC voice (.pth)").

    `allowed` are class names, or packages ending in a dot, that may stand in it unread. Raises LoadError: no file, no
    file of tensors, code in it, claims beyond its size.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(32)
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}; {needed} is needed") from error
    if size > MAX_FILE:
        raise LoadError(f"{path} has {size >> 20} MB, more than any file of weights used here: {needed} is needed")
    try:
        if start.startswith(b"PK\x03\x04"):
            opened = _open_zip(path, allowed)
        elif start.startswith(b"\x80") and LEGACY_MAGIC.to_bytes(10, "little") in start:
            opened = _open_legacy(path, allowed)
        elif start[8:9] == b"{":
            opened = _open_safetensors(path, size)
        else:
            raise LoadError(f"{path} is {_kind(start)}, neither a PyTorch nor a safetensors file: {needed} is needed")
    except Unsafe as error:
        raise LoadError(
            f"{path} holds {shown(error)}, which is code, not weights, and was not run: {needed} is needed"
        ) from None
    except (ValueError, zipfile.BadZipFile, OSError, RuntimeError, EOFError, struct.error) as error:
        raise damaged(path, str(error)) from error
    _compare(opened, size)
    return opened


def _kind(start: bytes) -> str:
    """What the first bytes of a file say it is."""
    named = (name for magic, name in KINDS.items() if start.lstrip().lower().startswith(magic))
    return next(named, "a file of another kind" if start else "empty")


def tensors_of(tree: Any, prefix: str = "") -> dict[str, TensorSpec]:
    """The tensors of one dict by their keys, others left out."""
    if not isinstance(tree, dict):
        return {}
    return {prefix + key: spec for key, spec in tree.items() if isinstance(key, str) and isinstance(spec, TensorSpec)}


def _compare(opened: TensorFile, size: int) -> None:
    """Every storage lies in the file, and all tensors together are no larger than it. Raises LoadError."""
    claimed = 0
    for spec in _all_specs(opened.tree):
        claimed += spec.count * spec.storage.width
        start = opened.starts.get(spec.storage.key)
        if start is None or start + spec.storage.size > size:
            raise damaged(opened.path, f"{spec.storage.size} bytes of weights are missing")
    if claimed > size:
        raise damaged(opened.path, f"it claims {claimed >> 20} MB of weights in {size >> 20} MB")


def _open_zip(path: Path, allowed: tuple[str, ...]) -> TensorFile:
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        members = {member.filename: member for member in archive.infolist()}
        header = next((member for name, member in members.items() if name.endswith("/data.pkl")), None)
        if header is None:
            raise Malformed("a zip archive without weights: unpack it if a voice lies in it")
        if header.file_size > MAX_HEADER or any(member.compress_type for member in members.values()):
            raise Malformed("an archive that torch.save did not write")
        root = header.filename.removesuffix("data.pkl")
        order = members.get(f"{root}byteorder")
        if order is not None and order.file_size < 16 and archive.read(order) != b"little":
            raise Malformed("big-endian numbers")
        tree = Reader(BytesIO(archive.read(header)), allowed).read()
        starts = {}
        for name, member in members.items():
            if name.startswith(f"{root}data/"):
                file.seek(member.header_offset)
                local = file.read(30)
                if len(local) != 30:
                    raise Malformed("a member outside the archive")
                skipped = sum(struct.unpack("<HH", local[26:30]))
                starts[name.removeprefix(f"{root}data/")] = member.header_offset + 30 + skipped
        sizes = {name.removeprefix(f"{root}data/"): member.file_size for name, member in members.items()}
    opened = TensorFile(path, tree, starts, {})
    _compare_sizes(opened, sizes)
    return opened


def _compare_sizes(opened: TensorFile, sizes: dict[str, int]) -> None:
    """The archive's directory and the header agree on the bytes of each tensor. Raises Malformed."""
    for spec in _all_specs(opened.tree):
        if spec.storage.size > sizes.get(spec.storage.key, 0):
            held = sizes.get(spec.storage.key, 0)
            raise Malformed(f"its header claims {spec.storage.size} bytes of weights where it holds {held}")


def _all_specs(tree: Any) -> list[TensorSpec]:
    found, waiting, seen = [], [tree], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, TensorSpec):
            found.append(value)
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return found


def _open_legacy(path: Path, allowed: tuple[str, ...]) -> TensorFile:
    with path.open("rb") as file:
        stream = BytesIO(file.read(MAX_HEADER))
        for _ in range(3):  # magic number, version, byte order
            Reader(stream).read()
        tree = Reader(stream, allowed).read()
        keys = Reader(stream).read()
        counts = {spec.storage.key: spec.storage for spec in _all_specs(tree)}
        starts, at = {}, stream.tell()
        for key in keys if isinstance(keys, list) else []:
            storage = counts.get(str(key))
            file.seek(at)
            count = int.from_bytes(file.read(8), "little")
            if storage is None or count != storage.count:
                raise Malformed(f"its header claims {storage and storage.count} values where it holds {count}")
            starts[storage.key] = at + 8
            at += 8 + storage.size
    return TensorFile(path, tree, starts, {})


def _open_safetensors(path: Path, size: int) -> TensorFile:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(size - 8, MAX_HEADER):
            raise Malformed(f"its header claims {length} bytes")
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise Malformed("its header is no JSON") from error
    metadata = header.pop("__metadata__", {}) if isinstance(header, dict) else {}
    tree, starts = {}, {}
    try:
        for name, entry in header.items():
            spec, start = _safe_tensor(name, entry)
            tree[name], starts[name] = spec, 8 + length + start
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Malformed(f"its header describes no tensors: {error}") from error
    strings = {key: text for key, text in dict(metadata).items() if isinstance(text, str)}
    return TensorFile(path, tree, starts, strings)


def _safe_tensor(name: str, entry: dict[str, Any]) -> tuple[TensorSpec, int]:
    dtype, width = SAFE_DTYPES[entry["dtype"]]
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    if not all(type(number) is int and number >= 0 for number in (start, end, *shape)):
        raise ValueError(f"{name} has a size that is no number")
    stride: list[int] = []
    count = 1
    for size in reversed(shape):
        stride.insert(0, count)
        count *= size
    if count * width != end - start:
        raise ValueError(f"{name} {list(shape)} does not have {end - start} bytes")
    return TensorSpec(StorageSpec(name, dtype, width, count), 0, shape, tuple(stride)), start

"""Read a pickle as plain data and tensor descriptions, without running it: no name in it is ever imported or called.

The opcodes are those of the standard library's `pickletools`; what `torch.save` writes beside plain data (a tensor,
a parameter, an ordered dictionary) becomes a TensorSpec, the tensor's own description or a dict.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

MARK = object()
DTYPES = {  # storage class -> name of the dtype, bytes of one element
    "DoubleStorage": ("float64", 8),
    "FloatStorage": ("float32", 4),
    "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2),
    "LongStorage": ("int64", 8),
    "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2),
    "CharStorage": ("int8", 1),
    "ByteStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1),
}


class Malformed(ValueError):
    """The bytes are no pickle, or one that describes impossible tensors."""


class Unsafe(ValueError):
    """The pickle asks for code that a file of weights has no use for; the message names it."""


@dataclass(frozen=True, slots=True)
class StorageSpec:
    """The bytes behind tensors: `count` elements of `dtype`, `width` bytes each, under `key` in the file."""

    key: str
    dtype: str
    width: int
    count: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.count * self.width


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a pickle claims of one tensor: a view of `storage` from element `offset`."""

    storage: StorageSpec
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def count(self) -> int:
        """Elements."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    def fits(self) -> bool:
        """Whether every element lies inside the storage."""
        if len(self.shape) != len(self.stride) or min((self.offset, *self.shape, *self.stride), default=0) < 0:
            return False
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True))
        return self.count == 0 or last < self.storage.count


@dataclass(frozen=True, slots=True)
class Opaque:
    """An object of the class `name` that was not made: only its place is kept."""

    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that the pickle mentions: "module.name"."""

    name: str


class Reader:
    """One pickle, read from where the stream stands to its end.

    `allowed` are class names, besides torch's own, that may stand in it and become Opaque; one that ends in a dot
    allows the whole package.
    """

    def __init__(self, stream: BytesIO, allowed: tuple[str, ...] = ()) -> None:
        self._stream = stream
        self._allowed = allowed
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def read(self) -> Any:
        """Plain data with a TensorSpec for every tensor. Raises Malformed and Unsafe."""
        try:
            for opcode, argument, _ in pickletools.genops(self._stream):
                if opcode.name in PUSHES:
                    self._stack.append(argument)
                elif opcode.name in CONSTANTS:
                    self._stack.append(CONSTANTS[opcode.name]())
                elif opcode.name in STEPS:
                    STEPS[opcode.name](self, argument)
                else:
                    raise Unsafe(f"the pickle operation {opcode.name}")
            return self._stack.pop()
        except Unsafe:
            raise
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise Malformed(str(error)) from error

    def pop(self) -> Any:
        """The top of the stack."""
        return self._stack.pop()

    def pop_to_mark(self) -> list[Any]:
        """Everything above the last mark; the mark goes too."""
        at = len(self._stack) - 1
        while self._stack[at] is not MARK:
            at -= 1
            if at < 0:
                raise IndexError("no mark")
        items = self._stack[at + 1 :]
        del self._stack[at:]
        return items

    def drop_to_mark(self) -> None:
        """Forget everything above the last mark."""
        self.pop_to_mark()

    def put(self, argument: int | None) -> None:
        """Remember the top of the stack."""
        self._memo[len(self._memo) if argument is None else int(argument)] = self._stack[-1]

    def push_remembered(self, argument: int) -> None:
        """Push what was remembered under the number."""
        self._stack.append(self._memo[int(argument)])

    def push(self, value: Any) -> None:
        """Onto the stack."""
        self._stack.append(value)

    def set_items(self, items: list[Any]) -> None:
        """Keys and values in turn, into the dict on the stack; into anything else they are dropped.

        Only simple keys are kept: the hash of a tuple of tuples of tuples can take for ever.
        """
        target = self._stack[-1]
        if isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                if isinstance(key, str | int):
                    target[key] = value

    def append(self, items: list[Any]) -> None:
        """Into the list (or set, which is kept as a list) on the stack; into anything else they are dropped."""
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)

    def name(self, name: str) -> None:
        """A class or function is mentioned: refuse it unless it is known to be harmless."""
        storage = name.startswith("torch.") and name.removeprefix("torch.") in DTYPES
        package = name.startswith(tuple(prefix for prefix in self._allowed if prefix.endswith(".")))
        if not (storage or package or name in CALLS or name in self._allowed):
            raise Unsafe(name)
        self._stack.append(Name(name))

    def call(self) -> None:
        """What a function or class would make of its arguments, without calling it."""
        arguments, function = self._stack.pop(), self._stack.pop()
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise Malformed("a call of what is no function")
        make = CALLS.get(function.name)
        self._stack.append(make(arguments) if make else Opaque(function.name))


def _tensor(arguments: tuple[Any, ...]) -> TensorSpec:
    storage, offset, shape, stride = arguments[:4]
    numbers = (offset, *shape, *stride)
    if not isinstance(storage, StorageSpec) or not all(type(number) is int for number in numbers):
        raise Malformed("a tensor without a storage")
    spec = TensorSpec(storage, offset, tuple(shape), tuple(stride))
    if not spec.fits():
        raise Malformed(f"a tensor {list(spec.shape)} that reaches beyond its {storage.count} stored values")
    return spec


def _storage(identity: Any) -> StorageSpec:
    kind, storage, key, _, count = identity[:5]
    if kind != "storage" or not isinstance(storage, Name) or type(count) is not int or count < 0:
        raise Malformed("a reference to what is no storage")
    dtype, width = DTYPES[storage.name.removeprefix("torch.")]
    return StorageSpec(str(key), dtype, width, count)


def _state(reader: Reader) -> None:
    """BUILD: the state of an object; the attributes of an ordered dictionary and of an Opaque are not needed."""
    reader.pop()


def _mark_call(reader: Reader) -> None:
    """OBJ: the class and its arguments lie above the mark."""
    function, *arguments = reader.pop_to_mark()
    reader.push(function)
    reader.push(tuple(arguments))
    reader.call()


def _call_with_keywords(reader: Reader) -> None:
    """NEWOBJ_EX: like NEWOBJ, with keywords that no known class has."""
    reader.pop()
    reader.call()


def _name_from_stack(reader: Reader) -> None:
    """STACK_GLOBAL: module and name lie on the stack."""
    name, module = reader.pop(), reader.pop()
    reader.name(f"{module}.{name}")


def _ordered(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    items = arguments[0] if arguments else []
    return {key: value for key, value in items if isinstance(key, str | int)}


CALLS: dict[str, Callable[[tuple[Any, ...]], Any]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_parameter": lambda arguments: arguments[0],
    "collections.OrderedDict": _ordered,
    "torch.Size": lambda arguments: tuple(arguments[0]) if arguments else (),
}
PUSHES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": list,
    "MARK": lambda: MARK,
}
STEPS: dict[str, Callable[[Reader, Any], None]] = {
    "PROTO": lambda reader, _: None,
    "FRAME": lambda reader, _: None,
    "STOP": lambda reader, _: None,
    "POP": lambda reader, _: reader.pop(),
    "POP_MARK": lambda reader, _: reader.drop_to_mark(),
    "PUT": Reader.put,
    "BINPUT": Reader.put,
    "LONG_BINPUT": Reader.put,
    "MEMOIZE": Reader.put,
    "GET": Reader.push_remembered,
    "BINGET": Reader.push_remembered,
    "LONG_BINGET": Reader.push_remembered,
    "TUPLE": lambda reader, _: reader.push(tuple(reader.pop_to_mark())),
    "TUPLE1": lambda reader, _: reader.push((reader.pop(),)),
    "TUPLE2": lambda reader, _: reader.push((reader.pop(), reader.pop())[::-1]),
    "TUPLE3": lambda reader, _: reader.push((reader.pop(), reader.pop(), reader.pop())[::-1]),
    "LIST": lambda reader, _: reader.push(reader.pop_to_mark()),
    "FROZENSET": lambda reader, _: reader.push(reader.pop_to_mark()),
    "APPEND": lambda reader, _: reader.append([reader.pop()]),
    "APPENDS": lambda reader, _: reader.append(reader.pop_to_mark()),
    "ADDITEMS": lambda reader, _: reader.append(reader.pop_to_mark()),
    "SETITEM": lambda reader, _: reader.set_items([reader.pop(), reader.pop()][::-1]),
    "SETITEMS": lambda reader, _: reader.set_items(reader.pop_to_mark()),
    "GLOBAL": lambda reader, argument: reader.name(argument.replace(" ", ".")),
    "STACK_GLOBAL": lambda reader, _: _name_from_stack(reader),
    "REDUCE": lambda reader, _: reader.call(),
    "NEWOBJ": lambda reader, _: reader.call(),
    "NEWOBJ_EX": lambda reader, _: _call_with_keywords(reader),
    "OBJ": lambda reader, _: _mark_call(reader),
    "BUILD": lambda reader, _: _state(reader),
    "BINPERSID": lambda reader, _: reader.push(_storage(reader.pop())),
}

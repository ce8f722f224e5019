"""Which node kinds there are: one provider, one file; outside packages add theirs by entry points (`GROUP`)."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import inspect
from functools import cached_property
from typing import Any

from vaidol.graph.node import Node

GROUP = "vaidol.nodes"


class UnknownKind(LookupError):
    """No such kind, or the module behind it cannot be imported; the message says which."""


class Registry:
    """The kinds in the folders of `package` (`room/name.py` is `room.name`; `in_.py` is `in`) and of entry points.

    A module is imported only when its kind is asked for. Files with a leading underscore are helpers of their room.
    `extra` adds classes by hand: tests and programs that build graphs from Python. `outside`: whether installed
    packages may add kinds; what they call by a name of ours is not used.
    """

    def __init__(
        self, package: str | None = None, extra: dict[str, type[Node[Any]]] | None = None, *, outside: bool = True
    ) -> None:
        self._package = package
        self._outside = outside
        self._known: dict[str, type[Node[Any]]] = dict(extra or {})

    @cached_property
    def _modules(self) -> dict[str, str]:
        if self._package is None:
            return {}
        found = {}
        for room in importlib.resources.files(self._package).iterdir():
            if room.is_dir() and not room.name.startswith(("_", ".")):
                for file in room.iterdir():
                    name, dot, ending = file.name.partition(".")
                    if dot and ending == "py" and not name.startswith("_"):
                        found[f"{room.name}.{name.rstrip('_')}"] = f"{self._package}.{room.name}.{name}"
        return found

    @cached_property
    def _entry_points(self) -> dict[str, importlib.metadata.EntryPoint]:
        found = importlib.metadata.entry_points(group=GROUP) if self._outside else ()
        return {entry.name: entry for entry in found}

    def kinds(self) -> list[str]:
        """All kinds, sorted; imports nothing."""
        return sorted({*self._modules, *self._entry_points, *self._known})

    def find(self, kind: str) -> type[Node[Any]]:
        """The class of `kind`. Raises `UnknownKind`."""
        if kind not in self._known:
            self._known[kind] = self._load(kind)
        return self._known[kind]

    def add(self, kind: str, node: type[Node[Any]]) -> None:
        """Add one by hand."""
        self._known[kind] = node

    def kind_of(self, node: type[Node[Any]]) -> str:
        """The kind under which a class was found."""
        return next(kind for kind, known in self._known.items() if known is node)

    def _load(self, kind: str) -> type[Node[Any]]:
        try:
            if kind in self._modules:
                module = importlib.import_module(self._modules[kind])
                own = (c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__)
                found = next((c for c in own if issubclass(c, Node) and not inspect.isabstract(c)), None)
            elif kind in self._entry_points:
                with _Outside(kind, self._entry_points[kind]):
                    found = self._entry_points[kind].load()
            else:
                raise UnknownKind(f"no kind '{kind}'")
        except (ImportError, AttributeError) as error:
            raise UnknownKind(f"kind '{kind}' cannot be loaded: {_line(error)}") from error
        if not (isinstance(found, type) and issubclass(found, Node)):
            what = "its module holds no node class" if found is None else f"{found!r:.60} is no node class"
            raise UnknownKind(f"kind '{kind}' cannot be loaded: {what}")
        return found


class _Outside:
    """Turns whatever goes wrong while a package that is not ours is imported into one `UnknownKind`."""

    def __init__(self, kind: str, entry: importlib.metadata.EntryPoint) -> None:
        self.kind = kind
        self.entry = entry

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception | SystemExit):
            package = self.entry.dist.name if self.entry.dist else "an installed package"
            message = f"kind '{self.kind}' of {package} ({self.entry.value}) cannot be loaded: {_line(error)}"
            raise UnknownKind(message) from error


def _line(error: BaseException) -> str:
    """An error in one line; those that are not of the family of imports with their class."""
    text = " ".join(str(error).split())
    return text if isinstance(error, ImportError | AttributeError) and text else f"{type(error).__name__}: {text}"

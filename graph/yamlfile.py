"""Reading YAML so that every value still knows its file, line and column."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vaidol.graph.errors import PipelineError, Place, Problem

Way = tuple[str | int, ...]  # keys and indices from the top of the document
MAX_BYTES = 1_000_000
MAX_VALUES = 20_000  # aliases expand: a small file may stand for a huge one
MERGE = "tag:yaml.org,2002:merge"
NO_KEY = "a key must be text, not a list, a map or nothing"
VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})")


@dataclass
class Document:
    """Plain data plus, for every key and value, where it was written.

    secret: ways to text from the environment. problems: mistakes found while reading; what they spoiled is left out of
    `data`, and its ways are in `spoiled`, so that nobody complains about it a second time.
    """

    data: Any
    file: str
    places: dict[Way, Place] = field(default_factory=dict)
    key_places: dict[Way, Place] = field(default_factory=dict)
    secret: set[Way] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    spoiled: set[Way] = field(default_factory=set)

    def place(self, way: Way, *, key: bool = False) -> Place:
        """Where `way` was written; of something missing, where its nearest parent was."""
        while way:
            found = (self.key_places if key else self.places).get(way) or self.places.get(way)
            if found:
                return found
            way = way[:-1]
        return self.places.get((), Place(self.file))


def read(path: Path) -> Document:
    """Parse the file at `path`. Raises `PipelineError` for a file that is missing, too large or not YAML."""
    file = str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise _error(Place(file), "is no regular file")
        if status.st_size > MAX_BYTES:
            raise _error(Place(file), f"is larger than {MAX_BYTES // 1000} kB, so it is no pipeline file")
        content = path.read_bytes()
    except FileNotFoundError:
        near = nearest(path.name, [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else [])
        raise _error(Place(file), f"there is no such file{near}") from None
    except IsADirectoryError:
        raise _error(Place(file), "is a folder; name a YAML file in it") from None
    except OSError as error:
        raise _error(Place(file), f"cannot be read: {error.strerror}") from None
    except ValueError as error:  # a path that no system takes
        raise _error(Place(file), f"cannot be read: {error}") from None
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        good = content[: error.start].decode()
        raise _error(_behind(good, file), f"is not UTF-8 text: byte 0x{content[error.start]:02x}") from None
    return parse(text, file)


def parse(text: str, file: str) -> Document:
    """Parse YAML text; `file` is only named in messages."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        what = " ".join(filter(None, (error.context, error.problem)))
        raise _error(place, f"is not YAML: {what}") from None
    except yaml.reader.ReaderError as error:
        place = _behind(text[: error.position if isinstance(error.position, int) else 0], file)
        raise _error(place, f"is not YAML: the character {chr(error.character)!r} may not stand here") from None
    except RecursionError:
        raise _error(Place(file, 1, 1), "is nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise _error(Place(file, 1, 1), f"is not YAML: {str(error).partition(chr(10))[0]}") from None
    document = Document(None, file)
    if root is None:
        raise _error(Place(file, 1, 1), "is empty")
    try:
        document.data = _Builder(document).part(root, ())
    except RecursionError:
        raise _error(Place(file, 1, 1), "is nested too deeply, or refers to itself") from None
    return document


class _Spoiled(Exception):
    """What is written stands for no value; the message says why."""


class _Builder:
    """Turns YAML nodes into plain data and notes their places."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.constructor = yaml.SafeLoader("")
        self.left = MAX_VALUES

    def value(self, node: yaml.Node, way: Way) -> Any:
        """The data `node` stands for. Raises `_Spoiled` where it stands for none."""
        self.left -= 1
        if self.left < 0:
            raise _error(self.at(node), f"stands for more than {MAX_VALUES} values")
        self.document.places[way] = self.at(node)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, way)
        if isinstance(node, yaml.SequenceNode):
            return [self.part(item, (*way, i)) for i, item in enumerate(node.value)]
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, way: Way) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node, way, result)
            if key is not None:
                self.document.key_places[(*way, key)] = self.at(key_node)
                result[key] = self.part(value_node, (*way, key))
        return {key: value for key, value in result.items() if (*way, key) not in self.document.spoiled}

    def part(self, node: yaml.Node, way: Way) -> Any:
        """The data at `way`; None, after noting the mistake, where there is none."""
        try:
            return self.value(node, way)
        except _Spoiled as error:
            self.document.problems.append(Problem(self.at(node), str(error)))
            self.document.spoiled.add(way)

    def key(self, node: yaml.Node, way: Way, known: dict[str, Any]) -> str | None:
        """The text of a key of the map at `way`; None, after noting the mistake, where it is none or stands twice."""
        try:
            key = self.scalar(node) if isinstance(node, yaml.ScalarNode) and node.tag != MERGE else None
            message = f"a key must be text, not {node.value:.40}; put it in quotes" if key is not None else NO_KEY
        except _Spoiled as error:
            key, message = None, str(error)
        if isinstance(key, str):
            if key not in known:
                return key
            message = f"'{key}' is given twice"
        else:
            self.document.spoiled.add((*way, str(node.value)))
        if node.tag == MERGE:
            message = "merge keys are not read here; write the keys out, or use extends"
        self.document.problems.append(Problem(self.at(node), message))
        return None

    def scalar(self, node: yaml.Node) -> Any:
        try:
            value = self.constructor.construct_object(node, deep=True)
            if isinstance(value, str):
                value.encode()  # half a surrogate pair could never be shown
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            problem = getattr(error, "problem", None) or str(error)
            raise _Spoiled(f"is not a value known here: {problem.partition(';')[0]}") from None
        return value

    def at(self, node: yaml.Node) -> Place:
        return Place(self.document.file, node.start_mark.line + 1, node.start_mark.column + 1)


def expand_environment(document: Document, environment: Mapping[str, str] | None = None) -> list[Problem]:
    """Replace `${NAME}` and `${NAME:-default}` in every string, in place. Returns a problem per missing name."""
    names = os.environ if environment is None else environment
    problems: list[Problem] = []

    def one(match: re.Match[str], way: Way) -> str:
        name, default = match["name"], match["default"]
        if name is None:
            return "$"
        if name in names:
            document.secret.add(way)
            return names[name]
        if default is None:
            message = f"the environment has no {name}; set it, or write ${{{name}:-a default}}"
            problems.append(Problem(document.place(way), message))
        return default or ""

    def walk(value: Any, way: Way) -> Any:
        if isinstance(value, str):
            return VARIABLE.sub(lambda match: one(match, way), value)
        if isinstance(value, dict):
            return {key: walk(item, (*way, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*way, i)) for i, item in enumerate(value)]
        return value

    document.data = walk(document.data, ())
    return problems


def nearest(word: str, known: Iterable[str], *, what: str = "") -> str:
    """The tail of a message about a wrong name: the nearest right one and the list, or only the list."""
    names = sorted(known)
    if not names:
        return ""
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    listed = ", ".join(names[:30]) + (", ..." if len(names) > 30 else "")
    guess = f"; did you mean '{close[0]}'?" if close else ""
    return f"{guess}; {what or 'there are'}: {listed}" if listed else guess


def _behind(text: str, file: str) -> Place:
    return Place(file, text.count("\n") + 1, len(text) - text.rfind("\n"))


def _error(place: Place, message: str) -> PipelineError:
    return PipelineError([Problem(place, message)])

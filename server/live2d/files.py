"""What the JSON files of a Cubism 3-5 model say, as far as the page needs it; fields we do not know are skipped.

Formats: the file reference of Cubism (model3.json, exp3.json, cdi3.json), read leniently, since tools differ.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

MAX_BYTES = 4_000_000  # of one JSON file; real ones have 2-200 KB
SUFFIX = ".model3.json"


class BadFile(ValueError):
    """A file that is not what its name says; the text names what is wrong, not the file."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_pascal)


class ExpressionFile(_Part):
    name: str = ""
    file: str


class MotionFile(_Part):
    file: str


class References(_Part):
    moc: str
    textures: tuple[str, ...] = ()
    physics: str = ""
    pose: str = ""
    display_info: str = ""
    expressions: tuple[ExpressionFile, ...] = ()
    motions: dict[str, tuple[MotionFile, ...]] = {}


class Group(_Part):
    target: str = "Parameter"
    name: str
    ids: tuple[str, ...] = ()


class HitArea(_Part):
    id: str
    name: str = ""


class Model3(_Part):
    """model3.json: which files make a model, and which of its parameters are mouth and eyelids."""

    version: int
    file_references: References
    groups: tuple[Group, ...] = ()
    hit_areas: tuple[HitArea, ...] = ()


class Change(_Part):
    """One parameter of an expression."""

    id: str
    value: float
    blend: Literal["Add", "Multiply", "Overwrite"] = "Add"


class Exp3(_Part):
    """exp3.json: an expression."""

    parameters: tuple[Change, ...] = ()
    fade_in_time: float = Field(default=1.0, ge=0)  # s
    fade_out_time: float = Field(default=1.0, ge=0)  # s


class Named(_Part):
    id: str
    name: str = ""


class Cdi3(_Part):
    """cdi3.json: the parameters' names for people."""

    parameters: tuple[Named, ...] = ()


M = TypeVar("M", bound=BaseModel)


def read(kind: type[M], path: Path) -> M:
    """The file at `path` as a `kind`. Raises `BadFile`."""
    data = read_json(path)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadFile(f"{where}: {first['msg']}") from None


def read_json(path: Path) -> Any:
    """Raises `BadFile`."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadFile(f"has more than {MAX_BYTES // 1_000_000} MB")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadFile(f"cannot be read: {error.strerror}") from None
    except RecursionError:
        raise BadFile("is nested too deeply") from None
    except UnicodeDecodeError:
        raise BadFile("is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise BadFile(f"line {error.lineno}: {error.msg}") from None

"""What the user says about a model, kept in NAME.vaidol.json beside its NAME.model3.json and edited on the page."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vaidol.server.live2d.files import SUFFIX, BadFile, read_json

Text = Annotated[str, Field(max_length=200)]


class MotionOf(BaseModel):
    """A motion of the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: Text
    """Name of a group in model3.json."""
    index: int = Field(default=0, ge=0, le=1000)
    """Which of the group's motions, counted from 0."""


class Notes(BaseModel):
    """All of it is optional: what is left out is guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text = ""
    """The name shown to people."""
    emotions: dict[Text, Text] = Field(default={}, max_length=100)
    """Feeling (joy, anger ...) to the model's expression; "" shows that feeling without one."""
    motions: dict[Text, MotionOf] = Field(default={}, max_length=100)
    """Name of a motion (nod, wave ...) to a motion of the model."""
    touch: dict[Text, Text] = Field(default={}, max_length=100)
    """Hit area to the motion group that a touch plays; "" plays none."""
    parameters: dict[Text, Annotated[list[Text], Field(max_length=20)]] = Field(default={}, max_length=100)
    """Cubism's standard id to the model's own ids, which then move together."""
    scale: float = Field(default=1.0, ge=0.1, le=10)
    """Size; 1 fills the stage."""
    x: float = Field(default=0.0, ge=-2, le=2)
    """Shift to the right, in widths of the stage."""
    y: float = Field(default=0.0, ge=-2, le=2)
    """Shift downwards, in heights of the stage."""


def beside(model3: Path) -> Path:
    """Where the notes of the model at `model3` are."""
    return model3.with_name(model3.name.removesuffix(SUFFIX) + ".vaidol.json")


def load(model3: Path) -> Notes:
    """The notes of a model; empty ones where there is no file. Raises `BadFile`."""
    path = beside(model3)
    return parse(read_json(path)) if path.is_file() else Notes()


def parse(data: object) -> Notes:
    """Raises `BadFile`."""
    try:
        return Notes.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadFile(f"{where}: {first['msg']}") from None


def check(notes: Notes, *, expressions: Collection[str], motions: dict[str, int]) -> None:
    """Raises `BadFile` where `notes` names what the model has not, with what it has."""
    for feeling, expression in notes.emotions.items():
        if expression and expression not in expressions:
            raise BadFile(f"emotions.{feeling}: no expression {expression!r}; there are: {_listed(expressions)}")
    groups = {f"motions.{name}": motion.group for name, motion in notes.motions.items()}
    groups |= {f"touch.{area}": group for area, group in notes.touch.items() if group}
    for where, group in groups.items():
        if group not in motions:
            raise BadFile(f"{where}: no motion group {group!r}; there are: {_listed(motions)}")
    for name, motion in notes.motions.items():
        if motion.index >= motions[motion.group]:
            raise BadFile(f"motions.{name}: group {motion.group!r} has {motions[motion.group]} motions, from 0")


def save(notes: Notes, model3: Path) -> None:
    """Write them whole or not at all. Raises `BadFile`."""
    told = notes.model_dump(exclude_defaults=True)
    try:
        handle, draft = tempfile.mkstemp(dir=model3.parent, prefix=".vaidol-", suffix=".json")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(told, file, ensure_ascii=False, indent=2)
            file.write("\n")
        Path(draft).chmod(0o644)
        Path(draft).replace(beside(model3))
    except OSError as error:
        raise BadFile(f"the model's folder cannot be written: {error.strerror}") from None


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or "none"

"""One model of the user, as the page and other clients are told of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vaidol.server.live2d import channels, emotions, notes
from vaidol.server.live2d.files import SUFFIX, BadFile, Cdi3, Exp3, Model3, read

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")
MOUNT = "live2d-models"
NATIVE = ("nod", "shake", "wave", "bow", "tilt", "bounce")  # motions a model may have under these names
IDLE = ("idle", "待機", "待机")


@dataclass
class Model:
    """`id` is its path below the folder it was found in; `error` says why it cannot be shown, "" if it can."""

    id: str
    path: Path
    error: str = ""
    warnings: list[str] = field(default_factory=list)
    settings: Model3 | None = None
    expressions: dict[str, Exp3] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # of the expressions, from the model's folder
    motions: dict[str, list[str]] = field(default_factory=dict)
    loose: list[str] = field(default_factory=list)  # motions that model3.json does not list; they are group ""
    names: dict[str, str] = field(default_factory=dict)  # parameter -> name for people
    notes: notes.Notes = field(default_factory=notes.Notes)
    picture: str = ""

    @property
    def name(self) -> str:
        return self.notes.name or Path(self.id).name.removesuffix(SUFFIX)

    def told(self) -> dict[str, Any]:
        """As in `/live2d-models/info`: the ancestor's fields name, avatar, model_path, then ours."""
        url = f"{MOUNT}/{quote(self.id)}"
        folder = url.rpartition("/")[0]
        told: dict[str, Any] = {
            "name": self.name, "avatar": f"/{folder}/{quote(self.picture)}" if self.picture else None,
            "model_path": f"/{url}", "url": url, "id": self.id, "error": self.error, "warnings": self.warnings,
        }  # fmt: skip
        return told if self.error else told | self._contents()

    def _contents(self) -> dict[str, Any]:
        assert self.settings is not None
        groups = {group.name: list(group.ids) for group in self.settings.groups if group.target == "Parameter"}
        lips, eyes = groups.get("LipSync", []), groups.get("EyeBlink", [])
        files = self.settings.file_references
        changed = {change.id for expression in self.expressions.values() for change in expression.parameters}
        guessed = emotions.guess({name: expression.parameters for name, expression in self.expressions.items()})
        areas = {area.name or area.id: area.id for area in self.settings.hit_areas}
        return {
            "expressions": [_expression(name, self.files[name], exp) for name, exp in self.expressions.items()],
            "motions": self.motions, "loose_motions": self.loose,
            "hit_areas": [{"id": one, "name": name} for name, one in areas.items()],
            "lip_sync": lips, "eye_blink": eyes, "physics": bool(files.physics), "pose": bool(files.pose),
            "parameters": self.names,
            "channels": channels.candidates(
                [*self.names, *lips, *eyes, *sorted(changed)], lips=lips, eyes=eyes, own=self.notes.parameters
            ),
            "feelings": list(emotions.FEELINGS), "guessed": guessed,
            "emotions": {feeling: name for feeling, name in (guessed | self.notes.emotions).items() if name},
            "motion_names": _named_motions(self.motions)
            | {name: {"group": motion.group, "index": motion.index} for name, motion in self.notes.motions.items()},
            "touch": {
                area: group
                for area, group in ({area: _tap(area, self.motions) for area in areas} | self.notes.touch).items()
                if group
            },
            "idle": next((group for group in self.motions if group.lower().startswith(IDLE)), ""),
            "notes": self.notes.model_dump(exclude_defaults=True),
            "scale": self.notes.scale, "x": self.notes.x, "y": self.notes.y,
        }  # fmt: skip


def describe(name: str, root: Path, path: Path, loose: Sequence[Path]) -> Model:
    """Read the model at `path`; `loose` are expressions and motions lying near it."""
    model = Model(name, path)
    try:
        model.settings = read(Model3, path)
        _must_be_there(model.settings, root, path)
    except BadFile as error:
        model.error = f"{path.name}: {error}"
        return model
    _expressions(model, model.settings, root, loose)
    _motions(model, model.settings, root, loose)
    try:
        if model.settings.file_references.display_info:
            cdi = read(Cdi3, _inside(root, path, model.settings.file_references.display_info))
            model.names = {one.id: one.name for one in cdi.parameters}
    except BadFile as error:
        model.warnings.append(f"{model.settings.file_references.display_info}: {error}")
    try:
        model.notes = notes.load(path)
    except BadFile as error:
        model.warnings.append(f"{notes.beside(path).name}: {error}")
    pictures = (path.with_name(path.name.removesuffix(SUFFIX) + suffix) for suffix in PICTURES)
    model.picture = next((picture.name for picture in pictures if picture.is_file()), "")
    return model


def _inside(root: Path, model3: Path, name: str) -> Path:
    """The file that `model3` calls `name`. Raises `BadFile` if it is not there, or not below `root`."""
    try:
        path = (model3.parent / name).resolve()
        found = path.is_relative_to(root.resolve()) and path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        found = False
    if not found:
        raise BadFile(f"{name!r} is not there")
    return path


def _must_be_there(settings: Model3, root: Path, path: Path) -> None:
    if settings.version != 3:
        raise BadFile(f"Version is {settings.version}, and 3 is what can be read")
    files = settings.file_references
    if not files.textures:
        raise BadFile("it names no textures")
    for name in (files.moc, *files.textures):
        _inside(root, path, name)


def _expressions(model: Model, settings: Model3, root: Path, loose: Sequence[Path]) -> None:
    wanted = [
        (one.name or Path(one.file).name.partition(".")[0], one.file) for one in settings.file_references.expressions
    ]
    listed = {file for _, file in wanted}
    for path in loose:
        file = path.relative_to(model.path.parent).as_posix()
        if file.endswith(".exp3.json") and file not in listed:
            wanted.append((path.name.removesuffix(".exp3.json"), file))
    for name, file in wanted:
        if name in model.expressions:
            continue
        try:
            model.expressions[name] = read(Exp3, _inside(root, model.path, file))
            model.files[name] = file
        except BadFile as error:
            model.warnings.append(f"{file}: {error}")


def _motions(model: Model, settings: Model3, root: Path, loose: Sequence[Path]) -> None:
    listed: set[str] = set()
    for group, motions in settings.file_references.motions.items():
        model.motions[group] = [motion.file for motion in motions]
        listed.update(model.motions[group])
        for file in model.motions[group]:
            try:
                _inside(root, model.path, file)
            except BadFile as error:
                model.warnings.append(f"motion group {group!r}: {error}")
    files = (path.relative_to(model.path.parent).as_posix() for path in loose if path.name.endswith(".motion3.json"))
    model.loose = [file for file in files if file not in listed]
    if model.loose:
        model.motions[""] = [*model.motions.get("", []), *model.loose]


def _expression(name: str, file: str, exp: Exp3) -> dict[str, Any]:
    return {
        "name": name, "file": file, "fade_in_ms": round(1000 * exp.fade_in_time),
        "parameters": [{"id": one.id, "value": one.value, "blend": one.blend} for one in exp.parameters],
    }  # fmt: skip


def _named_motions(motions: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """Motions whose group or file says what they are."""
    found: dict[str, dict[str, Any]] = {}
    for group, files in motions.items():
        for index, file in enumerate(files):
            words = re.findall(r"[a-z]+", f"{group} {Path(file).name.partition('.')[0]}".lower())
            for name in NATIVE:
                if name in words:
                    found.setdefault(name, {"group": group, "index": index})
    return found


def _tap(area: str, motions: Mapping[str, Sequence[str]]) -> str:
    """The motion group for a touch of `area`: TapHead, tap_head, FlickHead ..., or else any tap."""
    part = re.sub(r"(?i)hit_?area_?|[^a-z]", "", area).lower()
    taps = [group for group in motions if re.search(r"(?i)tap|touch|flick|click", group)]
    return next(
        (group for group in taps if part and part in group.lower()), next((g for g in taps if g.lower() == "tap"), "")
    )

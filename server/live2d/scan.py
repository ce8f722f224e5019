"""Find models: every *.model3.json below the user's folders, within bounds, and never through a symbolic link."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vaidol.server.live2d.files import SUFFIX
from vaidol.server.live2d.model import Model, describe

DEPTH = 6  # folders below a root
MODELS_MAX = 200
ENTRIES_MAX = 20_000  # files and folders looked at per root
EXPRESSION, MOTION = ".exp3.json", ".motion3.json"


@dataclass(frozen=True)
class Folder:
    """One folder's files, by what they are, and its subfolders."""

    path: Path
    depth: int
    models: tuple[Path, ...]
    loose: tuple[Path, ...]  # expressions and motions, which models of other tools do not list
    folders: tuple[Path, ...]


def scan(roots: Sequence[Path]) -> list[Model]:
    """The models below `roots`, described; a broken one is there with its error. A root that is missing has none."""
    found: dict[str, Model] = {}
    for root in roots:
        folders = {folder.path: folder for folder in _walk(root)}
        for folder in folders.values():
            loose = tuple(_loose(folder, folders)) if folder.models else ()
            for path in folder.models:
                name = path.relative_to(root).as_posix()
                if name not in found and len(found) < MODELS_MAX:
                    found[name] = describe(name, root, path, loose)
    return list(found.values())


def _walk(root: Path) -> Iterator[Folder]:
    """Nearest first."""
    waiting, left = deque([(root, 0)]), ENTRIES_MAX
    while waiting and left > 0:
        path, depth = waiting.popleft()
        folder, seen = _look(path, depth, left)
        left -= seen
        if depth < DEPTH:
            waiting.extend((below, depth + 1) for below in folder.folders)
        yield folder


def _look(path: Path, depth: int, most: int) -> tuple[Folder, int]:
    """What is in `path`, and how many entries that were; an unreadable folder is an empty one."""
    files: list[Path] = []
    folders: list[Path] = []
    seen = 0
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                seen += 1
                if seen > most:
                    break
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path / entry.name)
                elif entry.is_file(follow_symlinks=False):
                    files.append(path / entry.name)
    except OSError:
        pass
    models = tuple(sorted(file for file in files if file.name.endswith(SUFFIX)))
    loose = tuple(sorted(file for file in files if file.name.endswith((EXPRESSION, MOTION))))
    return Folder(path, depth, models, loose, tuple(sorted(folders))), seen


def _loose(top: Folder, folders: dict[Path, Folder]) -> Iterator[Path]:
    """Expressions and motions in `top` and below, as far as no other model is there."""
    yield from top.loose
    for path in top.folders:
        folder = folders.get(path)
        if folder is not None and not folder.models:
            yield from _loose(folder, folders)

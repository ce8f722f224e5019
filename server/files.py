"""Files of a folder, and nothing outside it: neither by `..` nor by a link, nor any that is hidden."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path


def inside(folder: Path, name: str, suffixes: Container[str]) -> Path | None:
    """The file `name` below `folder`, if there is one that ends in one of `suffixes` (lower case, with the dot)."""
    if any(part.startswith(".") for part in Path(name).parts):
        return None
    try:
        whole = folder.resolve()
        path = (whole / name).resolve()
        found = path.is_relative_to(whole) and path.suffix.lower() in suffixes and path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        found = False
    return path if found else None

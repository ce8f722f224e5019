"""Is this the file the catalogue means? Answered by its SHA-256 once, and by its size and time from then on."""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vaidol.models.catalogue import Model, ModelFile


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file is not the right one; `damaged` when it is there."""

    reason: str
    damaged: bool


class Verified:
    """Remembers size, time and SHA-256 of files that were verified, so that a start need not read them again."""

    def __init__(self, root: Path, model: Model) -> None:
        self._path = root / ".verified" / f"{model.name}.json"

    def trouble(self, file: ModelFile, path: Path) -> Trouble | None:
        """What is wrong with the file at `path`; None when it is the right one."""
        try:
            stat = path.stat()
        except OSError:
            return Trouble(f"{path} is not there", damaged=False)
        if stat.st_size == file.size and self._seen().get(str(path)) == _stamp(stat, file):
            return None
        if (wrong := mismatch(file, path)) is not None:
            return Trouble(f"{path} is damaged ({wrong})", damaged=True)
        self.remember(file, path)
        return None

    def remember(self, file: ModelFile, path: Path) -> None:
        """Note that the file at `path` is the right one. A store that may not be written verifies again each time."""
        seen = {**self._seen(), str(path): _stamp(path.stat(), file)}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._path.parent, delete=False) as out:
                json.dump(seen, out)
            os.replace(out.name, self._path)
        except OSError:
            return

    def forget(self) -> None:
        """Let the next look read every byte again."""
        self._path.unlink(missing_ok=True)

    def _seen(self) -> dict[str, list[object]]:
        try:
            seen = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return seen if isinstance(seen, dict) else {}


def _stamp(stat: os.stat_result, file: ModelFile) -> list[object]:
    return [stat.st_size, stat.st_mtime_ns, file.sha256]


def mismatch(file: ModelFile, path: Path) -> str | None:
    """How the bytes at `path` differ from the catalogue's; None when they do not."""
    size = path.stat().st_size
    if size != file.size:
        return f"{size} bytes, expected {file.size}"
    with path.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
    return None if found == file.sha256 else f"SHA-256 {found[:12]}…, expected {file.sha256[:12]}…"

"""What a folder with a model for sherpa-onnx holds: its kind and the files of it, found by their names."""

from __future__ import annotations

from pathlib import Path

from vaidol.graph.errors import ProviderError


def model_file(folder: Path, *patterns: str) -> str:
    """The file that matches the first pattern that any matches, small (int8) ones first; "" if none does."""
    for pattern in patterns:
        found = sorted(folder.glob(pattern), key=lambda path: (".int8." not in path.name, path.name))
        if found:
            return str(found[0])
    return ""


def needed(folder: Path, **files: str) -> dict[str, str]:
    """`files`, all of which must be there. Raises `ProviderError`."""
    missing = [name for name, path in files.items() if not path]
    if missing:
        raise ProviderError(f"the model in {folder} has no {' and no '.join(missing)}", code="model")
    return files

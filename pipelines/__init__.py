"""Pipeline files that ship with vaidol: `vaidol serve default`, or a path to your own."""

from pathlib import Path

LIBRARY = Path(__file__).parent


def find(name: str) -> Path:
    """The file of a pipeline named by a shipped name (`default`) or a path (`my/talk.yaml`); it may not exist."""
    shipped = LIBRARY / f"{name}.yaml"
    return shipped if shipped.is_file() and not Path(name).is_file() else Path(name)

"""Folders of the user's that are used when no others are named."""

from __future__ import annotations

import os
from pathlib import Path

LIVE2D = (Path("live2d-models"), Path("~/.local/share/vaidol/live2d-models"))


def recordings() -> Path:
    """Where recordings are kept."""
    return _data() / "recordings"


def history() -> Path:
    """The file of what was said."""
    return _data() / "history.sqlite3"


def _data() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "vaidol"

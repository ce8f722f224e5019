"""Folders of the user's that are used when no others are named."""

from __future__ import annotations

import os
from pathlib import Path

LIVE2D = (Path("live2d-models"), Path("~/.local/share/vaidol/live2d-models"))


def recordings() -> Path:
    """Where recordings are kept."""
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "vaidol" / "recordings"

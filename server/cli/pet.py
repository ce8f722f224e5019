"""`vaidol pet`: the avatar on the desktop, in a transparent window that stays on top."""

from __future__ import annotations

import argparse
import importlib.util
import os
from typing import Any

from vaidol.server.cli.wrong import Wrong

URL = "http://127.0.0.1:12393"
PIXELS = 420


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "pet",
        help="the avatar on the desktop, talking",
        description="The avatar of a running server on the desktop: a transparent window that stays on top, listens "
        "and talks. Drag it anywhere; turn the wheel for its size; the right button and the tray have a menu. "
        "Ctrl+Alt+T talks or mutes, +S stops its speech, +H hides it, +C lets clicks through, +Q quits.",
    )
    command.add_argument("url", nargs="?", default=URL, help=f"of the page (default: {URL})")
    command.add_argument(
        "--token", default=os.environ.get("VAIDOL_TOKEN", ""), help="of the server, if it wants one (or VAIDOL_TOKEN)"
    )
    command.add_argument(
        "--size", type=int, default=0, metavar="PX", help=f"height of the window (default: as last time, or {PIXELS})"
    )
    return command


def run(arguments: argparse.Namespace) -> int:
    if not arguments.url.startswith(("http://", "https://")):
        raise Wrong(f"the address of a page begins with http:// or https://, unlike {arguments.url!r}")
    if arguments.size and not 120 <= arguments.size <= 2000:
        raise Wrong("--size must be from 120 to 2000")
    if importlib.util.find_spec("PySide6") is None:
        raise Wrong("the pet needs PySide6: pip install 'vaidol[desktop]'")
    from vaidol.server.desktop import show

    return show(arguments.url, arguments.token, arguments.size)

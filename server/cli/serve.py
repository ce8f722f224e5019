"""`vaidol serve`: the server people talk to. Opens the door first; everything heavy is imported behind it."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaidol.server import folders
from vaidol.server.cli import keeping, listening, logs, outside, pipeline, remembering
from vaidol.server.cli.wrong import Wrong

if TYPE_CHECKING:
    from vaidol.server.cli.starting import Ready

PORT = 12393
DRAIN_MAX_S = 24 * 3600.0


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "serve", help="serve the page and the calls", description="Serve the page and the calls."
    )
    command.add_argument("pipeline", nargs="?", default="default", help=f"{pipeline.HELP} (default: default)")
    listening.add(command, PORT)
    command.add_argument("--max-sessions", type=int, default=8, metavar="N", help="calls at one time (default: 8)")
    command.add_argument(
        "--max-per-address",
        type=int,
        default=4,
        metavar="N",
        help="of them, from one machine (default: 4; 0 = all)",
    )
    command.add_argument(
        "--stun", action="append", default=[], metavar="stun:HOST:PORT", help="ask for the own address"
    )
    command.add_argument(
        "--backgrounds", type=Path, metavar="DIR", help="pictures for clients of /client-ws (served at /bg)"
    )
    command.add_argument(
        "--live2d-models",
        action="append",
        type=Path,
        metavar="DIR",
        help=f"folder with your Live2D models, repeatable (default: {' and '.join(map(str, folders.LIVE2D))})",
    )
    command.add_argument(
        "--live2d-runtime", type=Path, metavar="DIR", help="folder with PixiJS, pixi-live2d-display and Live2D's core"
    )
    command.add_argument(
        "--avatar", default="", metavar="MODEL", help="Live2D model to begin with (default: the puppet)"
    )
    command.add_argument(
        "--watch", action="store_true", help="let edits of the pipeline's file take effect at once, in calls as well"
    )
    command.add_argument(
        "--personas",
        type=Path,
        metavar="DIR",
        help="folder with your persona files, offered beside those that ship",
    )
    command.add_argument(
        "--drain-s", type=float, default=0.0, metavar="S",
        help="at SIGTERM, take no more calls and let those under way go on for this long, s (default: 0)",
    )  # fmt: skip
    outside.add_client(command)
    remembering.add(command)
    keeping.add(command)
    command.add_argument("--verbose", action="store_true", help="log more")
    command.add_argument(
        "--log-format", choices=logs.FORMATS, default="text", help="one line of text, or one JSON object, per event"
    )
    return command


def run(arguments: argparse.Namespace) -> int:
    tls = listening.checked(arguments)
    if arguments.max_sessions < 1:
        raise Wrong("--max-sessions must be at least 1")
    if not 0 <= arguments.drain_s <= DRAIN_MAX_S:
        raise Wrong(f"--drain-s must be from 0 to {DRAIN_MAX_S:g}")
    if arguments.max_per_address < 0:
        raise Wrong("--max-per-address must be 0 or more")
    wrong = next((address for address in arguments.stun if not address.startswith("stun:")), None)
    if wrong is not None:
        raise Wrong(f"--stun wants stun:HOST:PORT, not {wrong!r}")
    _folders(arguments)
    pipeline.find(arguments.pipeline)
    logs.to_stderr(verbose=arguments.verbose, format=arguments.log_format)
    listening.run(arguments, tls, partial(_prepared, arguments))
    return 0


def _folders(arguments: argparse.Namespace) -> None:
    """Those that are named must be there. Raises `Wrong`."""
    live2d = [*(arguments.live2d_models or ()), *filter(None, [arguments.live2d_runtime])]
    missing = next((folder for folder in live2d if not folder.expanduser().is_dir()), None)
    if missing is not None:
        raise Wrong(f"{missing}: there is no such folder")
    for name in ("backgrounds", "personas"):
        folder = getattr(arguments, name)
        if folder is not None and not folder.expanduser().is_dir():
            raise Wrong(f"--{name}: there is no folder {folder}")


def _prepared(arguments: argparse.Namespace) -> Ready:
    """Import and check everything. Raises `PipelineError`, `Wrong`."""
    from vaidol.server.cli.starting import prepared

    return prepared(arguments)

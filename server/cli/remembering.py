"""The options of `vaidol serve` that are about what is remembered, and what is done where they are left out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vaidol.server.cli.wrong import Wrong
from vaidol.server.folders import history
from vaidol.server.networks import is_loopback

if TYPE_CHECKING:
    from vaidol.server.history_keeping import HistoryOptions


def add(command: argparse.ArgumentParser) -> None:
    """Add them to `command`."""
    group = command.add_argument_group("what is remembered")
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--history",
        type=Path,
        metavar="FILE",
        help="keep what is said, and facts about the user, in this SQLite file (default: nowhere where others are"
        f" served; else {history()})",
    )
    where.add_argument("--no-history", action="store_true", help="remember nothing when a call is over")
    group.add_argument(
        "--history-days",
        type=float,
        default=365.0,
        metavar="N",
        help="conversations nobody went on with for so long are deleted, facts stay (default: 365; 0 = never)",
    )
    group.add_argument(
        "--history-mb", type=float, default=500.0, metavar="N", help="the oldest beyond this too (default: 500)"
    )


def options(arguments: argparse.Namespace) -> HistoryOptions:
    """What was given, the file tried. Raises `Wrong`.

    A damaged file, and one nobody named that cannot be used, are told; calls are taken all the same.
    """
    from vaidol.nodes.agent._history import History, HistoryDamaged, HistoryError
    from vaidol.server.history_keeping import HistoryOptions

    for name in ("history_days", "history_mb"):
        if not 0 <= getattr(arguments, name) < 1e9:
            raise Wrong(f"--{name.replace('_', '-')} must be 0 or more")
    named = arguments.history is not None
    if arguments.no_history or not (named or (is_loopback(arguments.host) and not arguments.trust_proxy)):
        return HistoryOptions()
    path = (arguments.history if named else history()).expanduser()
    tried = History(path)
    try:
        tried.chats("")
    except HistoryError as error:
        if named and not isinstance(error, HistoryDamaged):
            raise Wrong(f"--history: {error}") from None
        print(f"{error}. Nothing is remembered until then.", file=sys.stderr, flush=True)
    finally:
        tried.close()
    return HistoryOptions(path, arguments.history_days, arguments.history_mb)

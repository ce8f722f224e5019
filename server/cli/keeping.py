"""The options of `vaidol serve` that are about recordings and traces."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vaidol.server import folders
from vaidol.server.cli.wrong import Wrong

if TYPE_CHECKING:
    from vaidol.server.otel import Spans
    from vaidol.server.recordings import RecordingOptions


def add(command: argparse.ArgumentParser) -> None:
    """Add them to `command`."""
    group = command.add_argument_group("recordings and traces")
    group.add_argument(
        "--recordings", type=Path, metavar="DIR", help=f"where they are kept (default: {folders.recordings()})"
    )
    group.add_argument(
        "--keep-s", type=float, metavar="S",
        help="seconds of every call kept in memory to be dumped (default: half a minute; 0 = none)",
    )  # fmt: skip
    group.add_argument("--dump-on-error", action="store_true", help="dump them when a node fails")
    group.add_argument(
        "--dump-over-ms", type=float, default=0.0, metavar="MS", help="dump them when an answer takes longer"
    )
    group.add_argument(
        "--otel", action="store_true", help="send a span for every reply to an OpenTelemetry collector (vaidol[otel])"
    )
    group.add_argument(
        "--keep-days", type=float, default=30.0, help="recordings older than this are removed (default: 30; 0 = never)"
    )
    group.add_argument(
        "--keep-mb", type=float, default=2000.0, help="the oldest beyond this are removed (default: 2000; 0 = never)"
    )


def spans(arguments: argparse.Namespace) -> list[Spans]:
    """Who tells the replies to a collector, if that is wanted. Raises `Wrong`."""
    from vaidol.server.otel import NoOtel, Spans, to_collector

    try:
        return [Spans(to_collector())] if arguments.otel else []
    except NoOtel as error:
        raise Wrong(str(error)) from None


def options(arguments: argparse.Namespace) -> RecordingOptions:
    """What was given. Raises `Wrong`."""
    from vaidol.graph.recorder import SECONDS
    from vaidol.server.recordings import RecordingOptions

    kept_s = SECONDS if arguments.keep_s is None else arguments.keep_s
    for name in ("keep_s", "dump_over_ms", "keep_days", "keep_mb"):
        if not 0 <= (getattr(arguments, name) or 0.0) < 1e9:
            raise Wrong(f"--{name.replace('_', '-')} must be 0 or more")
    if kept_s > 600:
        raise Wrong("--keep-s: more than 600 s of every call do not fit in memory")
    return RecordingOptions(
        arguments.recordings.expanduser() if arguments.recordings else None, kept_s, arguments.dump_on_error,
        arguments.dump_over_ms, arguments.keep_days, arguments.keep_mb,
    )  # fmt: skip

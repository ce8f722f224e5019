"""`vaidol ml`: the models of a pipeline as a service, for a core without them and for any client of OpenAI's."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from vaidol.server.cli import listening, logs, pipeline
from vaidol.server.cli.wrong import Wrong

if TYPE_CHECKING:
    from vaidol.server.cli.ml_starting import MlReady

PORT = 12394
AT_ONCE, WAITING, UPLOAD_MB, SOUND_S = 2, 16, 25.0, 900.0


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "ml",
        help="serve the models of a pipeline alone, over HTTP",
        description="Serve speech recognition, voices, voice conversion and the language model of a pipeline over "
        "HTTP, with OpenAI's routes: what a core without them uses (pipeline remote-ml), and any client of OpenAI's.",
        epilog="vaidol ml      vaidol ml --swap tts=tts.piper --set tts.voice=de.onnx --only tts,asr",
    )
    command.add_argument("pipeline", nargs="?", default="default", help=f"{pipeline.HELP} (default: default)")
    listening.add(command, PORT)
    command.add_argument("--only", default="", metavar="ROLES", help="some of tts,asr,agent,voice (default: all)")
    command.add_argument("--swap", action="append", default=[], metavar="NODE=KIND", help="another kind, repeatable")
    command.add_argument(
        "--set", action="append", default=[], metavar="NODE.SETTING=VALUE", help="a setting of a node, repeatable"
    )
    command.add_argument(
        "--at-once", type=int, default=AT_ONCE, metavar="N",
        help=f"requests that each provider works for at one time (default: {AT_ONCE})",
    )  # fmt: skip
    command.add_argument(
        "--waiting", type=int, default=WAITING, metavar="N",
        help=f"requests of each kind that may wait beyond these (default: {WAITING})",
    )  # fmt: skip
    command.add_argument(
        "--upload-mb", type=float, default=UPLOAD_MB, metavar="MB",
        help=f"largest sound file that is taken (default: {UPLOAD_MB:g})",
    )  # fmt: skip
    command.add_argument(
        "--sound-s", type=float, default=SOUND_S, metavar="S", help=f"longest sound in one (default: {SOUND_S:g})"
    )
    command.add_argument("--verbose", action="store_true", help="log more")
    return command


def run(arguments: argparse.Namespace) -> int:
    tls = listening.checked(arguments)
    if arguments.at_once < 1 or arguments.waiting < 0:
        raise Wrong("--at-once must be at least 1, and --waiting at least 0")
    if arguments.upload_mb <= 0 or arguments.sound_s <= 0:
        raise Wrong("--upload-mb and --sound-s must be more than 0")
    pipeline.find(arguments.pipeline)
    logs.to_stderr(verbose=arguments.verbose)
    listening.run(arguments, tls, partial(_prepared, arguments))
    return 0


def _prepared(arguments: argparse.Namespace) -> MlReady:
    """Import and check everything. Raises `PipelineError`, `Wrong`."""
    from vaidol.server.cli.ml_starting import prepared

    return prepared(arguments)

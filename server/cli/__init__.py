"""The command `vaidol`: one module per subcommand, each with `add(commands)` and `run(arguments) -> exit code`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

from vaidol.graph.errors import PipelineError
from vaidol.models.errors import ModelError
from vaidol.server.cli.wrong import Wrong

COMMANDS = (
    "serve", "ml", "worker", "check", "graph", "nodes", "new-node", "doctor", "schema", "protocol", "models", "run",
    "convert", "scenario", "bench", "import-olv", "client", "pet",
    "swap", "replay",
)  # fmt: skip
USER_ERROR, INTERRUPTED = 2, 130  # exit codes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. A user's mistake prints what is wrong, without a traceback, and gives 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    given = _parser(*[name for name in arguments[:1] if name in COMMANDS]).parse_args(arguments)
    try:
        code = int(given.run(given))
    except PipelineError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        code = USER_ERROR
    except (Wrong, ModelError) as error:
        print(f"vaidol: {error}", file=sys.stderr)
        code = USER_ERROR
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:  # `vaidol nodes | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    return _finish(code)


def _parser(*names: str) -> argparse.ArgumentParser:
    """names: the command that is meant; of the others nothing is imported then."""
    parser = argparse.ArgumentParser(prog="vaidol", description="Speak to a page, and a character answers.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in names or COMMANDS:
        module = importlib.import_module(f"vaidol.server.cli.{name.replace('-', '_')}")
        command = module.add(commands)
        command.set_defaults(run=module.run)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"vaidol {version('vaidol')}")
        parser.exit()


def _finish(code: int) -> int:
    """Leave at once while a model still loads or computes on a thread: native code cannot be interrupted."""
    sys.stdout.flush()
    sys.stderr.flush()
    others = [t for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon]
    if any("vaidol-" in thread.name for thread in others):
        os._exit(code)
    return code

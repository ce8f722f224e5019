"""The command line in this process, as a process of its own would answer: most of what a process takes is imports."""

from __future__ import annotations

import contextlib
import os
import subprocess
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from vaidol.server.cli import main


def vaidol(*arguments: object, cwd: Path | str = ".", **environment: str) -> subprocess.CompletedProcess[str]:
    """Its exit code and what it prints. For commands that leave no thread, no handler and no changed loop behind."""
    command = [str(argument) for argument in arguments]
    with (
        contextlib.redirect_stdout(StringIO()) as out,
        contextlib.redirect_stderr(StringIO()) as err,
        contextlib.chdir(cwd),
        patch.dict(os.environ, environment),
        patch("vaidol.server.cli.logs.to_stderr"),
        patch("os._exit", side_effect=AssertionError("a thread of ours was still at work")),
    ):
        try:
            code = main(command)
        except SystemExit as end:  # of argparse
            code = int(end.code or 0)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())

"""`vaidol protocol`: the data channel's messages, as JSON schema or as a page to read."""

from __future__ import annotations

import argparse
from typing import Any

from vaidol.server import protocol_text


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "protocol",
        help="print the messages of the data channel",
        description="The JSON schema of all messages between page and server, or the same as a page of Markdown. "
        "A running server has them at api/protocol and web/protocol.md.",
    )
    command.add_argument("--markdown", action="store_true", help="as a page to read")
    return command


def run(arguments: argparse.Namespace) -> int:
    print(protocol_text.page() if arguments.markdown else protocol_text.schema(), end="")
    return 0

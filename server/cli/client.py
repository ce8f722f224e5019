"""`vaidol client`: join a call from the command line and see its messages, one JSON object a line."""

from __future__ import annotations

import argparse
import asyncio
import json
import wave
from pathlib import Path
from typing import Any

from vaidol.server.cli.wrong import Wrong


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "client",
        help="join a call from the command line: speak a WAV, type, or watch; prints the messages",
        description="A small client of the data channel: prints every message as one JSON object a line.",
    )
    command.add_argument("url", nargs="?", default="http://127.0.0.1:12393", help="of the page (default: %(default)s)")
    command.add_argument("--wav", type=Path, help="speak this file (16 bit)")
    command.add_argument("--text", action="append", default=[], help="type this; may be given several times")
    command.add_argument("--watch", nargs="?", const="", metavar="SESSION", help="only watch a session, or the newest")
    command.add_argument("--seconds", type=float, default=15.0, help="stay so long (default: %(default)g)")
    command.add_argument("--token", default="", help="of the server, if it wants one")
    command.add_argument("--only", metavar="TYPES", help="print only messages of these types, such as subtitle,cut")
    return command


def run(arguments: argparse.Namespace) -> int:
    from vaidol.server.client import NotJoined

    try:
        asyncio.run(_main(arguments))
    except NotJoined as error:
        raise Wrong(str(error)) from error
    return 0


async def _main(arguments: argparse.Namespace) -> None:
    from vaidol.server.client import joined, read_wav

    only = set(arguments.only.split(",")) if arguments.only else None

    def tell(message: dict[str, Any]) -> None:
        if only is None or message["t"] in only:
            print(json.dumps(message, ensure_ascii=False), flush=True)

    try:
        spoken = read_wav(arguments.wav) if arguments.wav else None
    except (OSError, EOFError, wave.Error, ValueError) as error:
        raise Wrong(f"{arguments.wav} cannot be spoken: {error}") from error
    watch = arguments.watch is not None
    async with joined(
        arguments.url, microphone=spoken, watch=watch, session=arguments.watch or "", token=arguments.token, tell=tell
    ) as client:
        for text in arguments.text:
            client.send("text", text=text)
        await client.wait(arguments.seconds)

"""`vaidol new-node`: a provider's file and its test, both of which work at once, to be changed from there."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from vaidol.nodes import registry
from vaidol.server.cli.new_node_text import NODES, TESTS
from vaidol.server.cli.wrong import Wrong

NAME = re.compile(r"[a-z][a-z0-9_]{1,38}")


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "new-node",
        help="write a new provider and its test",
        description="Write nodes/ROOM/NAME.py and tests/nodes/ROOM/test_NAME.py: a node that works, to be changed. "
        "For the rooms agent, asr and tts it is one of the room, elsewhere a node that passes text on.",
    )
    command.add_argument("room", metavar="ROOM", help="asr, agent, tts ... or a new one")
    command.add_argument("name", metavar="NAME", help="small letters, digits and underscores")
    command.add_argument("--into", type=Path, default=Path(), help="the checkout of vaidol (default: here)")
    return command


def run(arguments: argparse.Namespace) -> int:
    room, name, root = arguments.room, arguments.name, arguments.into
    for word in (room, name):
        if not NAME.fullmatch(word):
            raise Wrong(f"'{word}' is no name of a room or a node: small letters, digits and underscores")
    if not (root / "nodes").is_dir() or not (root / "tests").is_dir():
        raise Wrong(
            f"{root.absolute()} is no checkout of vaidol: there is no nodes/ and tests/ (--into says where it is)"
        )
    if f"{room}.{name}" in registry().kinds():
        raise Wrong(f"there is a kind '{room}.{name}' already")
    shape = room if room in NODES else "text"
    words = {"ROOM": room, "NAME": name, "CLASS": "".join(part.capitalize() for part in name.split("_"))}
    written = {
        root / "nodes" / room / "__init__.py": f'"""The room {room}."""\n',
        root / "nodes" / room / f"{name}.py": NODES[shape],
        root / "tests" / "nodes" / room / f"test_{name}.py": TESTS[shape],
    }
    for path, text in written.items():
        if path.exists():
            if path.name == "__init__.py":
                continue
            raise Wrong(f"{path} is there already")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(re.sub("ROOM|NAME|CLASS", lambda found: words[found[0]], text), encoding="utf-8")
        print(path)
    print(f"\nuse: {room}.{name}    (after: vaidol schema > pipelines/schema.json)")
    return 0

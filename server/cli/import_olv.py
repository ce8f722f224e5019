"""`vaidol import-olv`: a pipeline and a persona from a configuration of Open-LLM-VTuber."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from vaidol.server.cli.wrong import Wrong
from vaidol.server.olv.conf import Made, convert

MOST_BYTES = 2**20


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "import-olv",
        help="make a pipeline from a conf.yaml of Open-LLM-VTuber",
        description="Write OUT.yaml and OUT.persona.yaml from a conf.yaml, and list what could not be carried over.",
    )
    command.add_argument("conf", type=Path, help="the conf.yaml")
    command.add_argument("--out", type=Path, default=Path("imported"), help="name of both files (default: imported)")
    command.add_argument("--force", action="store_true", help="replace files that are there")
    return command


def run(arguments: argparse.Namespace) -> int:
    made = _converted(arguments.conf)
    pipeline = arguments.out.with_name(f"{arguments.out.name}.yaml")
    persona = arguments.out.with_name(f"{arguments.out.name}.persona.yaml")
    agent = made.pipeline["nodes"].setdefault("agent", {"use": "agent.llama", "with": {}})
    agent["with"]["persona"] = str(persona.absolute())
    _write(persona, made.persona, arguments.force)
    _write(pipeline, made.pipeline, arguments.force)
    print(f"wrote {pipeline} and {persona}")
    if made.keys:
        print(f"\nset the keys in the environment, they are not copied: {', '.join(dict.fromkeys(made.keys))}")
    if made.left:
        print("\nnot carried over:", *made.left, sep="\n  ")
    print(f"\nnow: vaidol check {pipeline} && vaidol serve {pipeline}")
    return 0


def _converted(path: Path) -> Made:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Wrong(f"{path} is too large to be a conf.yaml")
        conf = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(conf, dict):
            raise Wrong(f"{path}: it is no conf.yaml, which holds a map")
        return _placed(convert(conf), path.absolute().parent)
    except OSError as error:
        raise Wrong(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Wrong(f"{path} is no YAML: {' '.join(str(error).split())[:200]}") from None
    except ValueError as error:
        raise Wrong(f"{path}: {error}") from None


def _placed(made: Made, folder: Path) -> Made:
    """Paths that were meant from the folder of conf.yaml, as whole ones."""
    for node in made.pipeline["nodes"].values():
        for name, value in node["with"].items():
            if isinstance(value, str) and value.startswith(("./", "../")):
                node["with"][name] = str((folder / value).resolve())
    return made


def _write(path: Path, what: dict[str, Any], force: bool) -> None:
    if path.exists() and not force:
        raise Wrong(f"{path} is there already: choose another name with --out, or --force")
    try:
        path.write_text(yaml.safe_dump(what, allow_unicode=True, sort_keys=False), encoding="utf-8")
    except OSError as error:
        raise Wrong(f"{path} cannot be written: {error.strerror}") from None

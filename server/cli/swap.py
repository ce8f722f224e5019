"""`vaidol swap`: change the pipeline of a running server, in the middle of a call."""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.request
from typing import Any

import yaml

from vaidol.graph.compiler import compile_plan
from vaidol.graph.diff import MOMENTS
from vaidol.graph.spec import Source, load
from vaidol.graph.written import as_yaml
from vaidol.nodes import registry
from vaidol.pipelines import LIBRARY
from vaidol.server.cli import pipeline
from vaidol.server.cli.serve import PORT
from vaidol.server.cli.wrong import Wrong

WAIT_S = 660.0  # a change may load models, and then waits for the end of a reply


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "swap",
        help="change a running pipeline",
        description="Change the pipeline of a call that is under way: to that of a file, or single nodes of it. The "
        "whole new pipeline is checked, what is new is loaded and warmed beside the old, and a change that fails "
        "leaves the call as it was.",
        epilog="vaidol swap mine.yaml      vaidol swap tts=tts.edge --set tts.voice=en-GB-SoniaNeural",
    )
    command.add_argument("what", nargs="*", metavar="FILE | NODE=KIND", help="a pipeline, or nodes and their new kinds")
    command.add_argument(
        "--set", action="append", default=[], metavar="NODE.SETTING=VALUE", help="a setting of a node, repeatable"
    )
    command.add_argument("--rollback", action="store_true", help="back to the pipeline before the last change")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--session", default="", metavar="ID", help="which call (default: the only one)")
    where.add_argument("--all", action="store_true", help="all calls under way, and all new ones")
    command.add_argument("--at", choices=MOMENTS, help="when (default: chosen by what changes)")
    command.add_argument("--dry-run", action="store_true", help="only check, and tell what would change")
    command.add_argument("--url", default=f"http://127.0.0.1:{PORT}", help="address of the server")
    command.add_argument("--token", default=os.environ.get("VAIDOL_TOKEN", ""), help="its token (or set VAIDOL_TOKEN)")
    return command


def run(arguments: argparse.Namespace) -> int:
    edit = None if arguments.rollback else _edit(arguments.what, arguments.set)
    if arguments.rollback and (arguments.what or arguments.set or arguments.all or arguments.dry_run):
        raise Wrong("--rollback goes with --session, --at, --url and --token alone")
    server = _Server(arguments.url, arguments.token)
    query = "&".join(
        part
        for part in (
            f"at={arguments.at}" if arguments.at else "",
            "dry_run=1" if arguments.dry_run else "",
            "running=1" if arguments.all else "",
        )
        if part
    )
    if arguments.all:
        told = server.ask("PUT", f"/api/pipeline?{query}", edit)
        print("would change: " * arguments.dry_run + told["diff"]["text"])
        for one in told.get("sessions", ()):
            print(f"call {one['session']}: {one['outcome']}  {one['why']}".rstrip())
        return int(any(one["outcome"] == "failed" for one in told.get("sessions", ())))
    session = arguments.session or server.only_session()
    if arguments.rollback:
        told = server.ask("POST", f"/api/sessions/{session}/rollback?{query}")
    else:
        told = server.ask("PUT", f"/api/sessions/{session}/pipeline?{query}", edit)
    if arguments.dry_run:
        print(f"would change: {told['diff']['text']}")
    else:
        print(f"{told['outcome']}: {told['diff']['text']}   at {told['at']}, gap {told['gap_ms']:.1f} ms, "
              f"after {told['took_ms'] / 1000:.1f} s")  # fmt: skip
    return 0


def _edit(what: list[str], settings: list[str]) -> str | dict[str, Any]:
    """YAML text of a file, checked here first so that mistakes have their place in it, or a patch. Raises `Wrong`."""
    if len(what) == 1 and "=" not in what[0] and not settings:
        path = pipeline.find(what[0])
        source: Source = load(path, library=LIBRARY, partial=True)
        compile_plan(source, registry())
        return as_yaml(source.written)
    patch = patch_of(what, settings)
    if not patch["nodes"]:
        raise Wrong("what is to change? Name a pipeline, NODE=KIND, or --set NODE.SETTING=VALUE")
    return patch


def patch_of(kinds: list[str], settings: list[str]) -> dict[str, Any]:
    """A patch from NODE=KIND and NODE.SETTING=VALUE. Raises `Wrong`."""
    nodes: dict[str, dict[str, Any]] = {}
    for part in kinds:
        name, equals, kind = part.partition("=")
        if not equals or not name or not kind:
            raise Wrong(f"'{part}' is neither NODE=KIND nor, alone and without --set, a pipeline")
        nodes.setdefault(name, {})["use"] = kind
    for part in settings:
        way, equals, value = part.partition("=")
        name, dot, setting = way.partition(".")
        if not equals or not dot or not name or not setting:
            raise Wrong(f"--set wants NODE.SETTING=VALUE, not '{part}'")
        try:
            nodes.setdefault(name, {}).setdefault("with", {})[setting] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise Wrong(f"--set {way}: '{value}' is no value") from None
    return {"nodes": nodes}


class _Server:
    """The routes of a running server."""

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise Wrong(f"--url must begin with http:// or https://, not '{url}'")
        self._url = url.rstrip("/")
        self._token = token

    def only_session(self) -> str:
        """The call under way, when there is exactly one. Raises `Wrong`."""
        found = [one["id"] for one in self.ask("GET", "/api/sessions")["sessions"] if one["state"] != "ended"]
        if len(found) != 1:
            which = f"there are: {', '.join(found)}; name one by --session, or say --all" if found else "there is none"
            raise Wrong(f"which call? {which}")
        return str(found[0])

    def ask(self, method: str, path: str, body: str | dict[str, Any] | None = None) -> dict[str, Any]:
        """What the server answers. Raises `Wrong` with its words when it refuses."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        headers["Content-Type"] = "application/json" if isinstance(body, dict) else "application/yaml"
        data = json.dumps(body) if isinstance(body, dict) else body
        request = urllib.request.Request(
            self._url + path, data.encode() if data is not None else None, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as response:
                found: dict[str, Any] = json.loads(response.read())
                return found
        except urllib.error.HTTPError as error:
            raise Wrong(_said(error)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Wrong(f"no server answers at {self._url}: {reason}") from None


def _said(error: urllib.error.HTTPError) -> str:
    """A refusal in the server's own words."""
    try:
        told = json.loads(error.read())
    except ValueError:
        return f"the server answered {error.code}"
    problems = told.get("problems") or []
    lines = [f"{p['file']}:{p['line']}:{p['column']}: {p['message']}" for p in problems]
    return "\n".join(lines) or str(told.get("error", {}).get("message", error.code))

"""`vaidol nodes`: every node kind with its ports and settings, from the code."""

from __future__ import annotations

import argparse
import inspect
import json
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from vaidol.graph.frames import Audio
from vaidol.graph.node import Node
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry, UnknownKind
from vaidol.graph.yamlfile import nearest
from vaidol.nodes import registry
from vaidol.server.cli.wrong import Wrong


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "nodes", help="list node kinds", description="Every node kind with its ports and settings."
    )
    command.add_argument("kinds", nargs="*", metavar="KIND", help="only these, e.g. vad.silero, or a whole room: vad")
    command.add_argument("--json", action="store_true", help="as JSON")
    return command


def run(arguments: argparse.Namespace) -> int:
    kinds = registry()
    described = [describe(kinds, kind) for kind in _chosen(kinds, arguments.kinds)]
    if arguments.json:
        print(json.dumps(described, indent=1, ensure_ascii=False))
    else:
        print("\n\n".join(_text(one, whole=bool(arguments.kinds)) for one in described))
    return 0


def describe(kinds: Registry, kind: str) -> dict[str, Any]:
    """A kind as plain data. Where ports depend on the settings they are those of the defaults."""
    try:
        node = kinds.find(kind)
    except UnknownKind as error:
        return {"kind": kind, "about": "", "error": str(error), "inputs": [], "outputs": [], "settings": []}
    inputs, outputs = _ports(node)
    return {
        "kind": kind,
        "about": inspect.getdoc(node) or "",
        "inputs": [_port(port) for port in inputs],
        "outputs": [_port(port) for port in outputs],
        "settings": [_setting(name, field) for name, field in node.settings_class().model_fields.items()],
    }


def _chosen(kinds: Registry, wanted: list[str]) -> list[str]:
    known = kinds.kinds()
    chosen = []
    for name in wanted or known:
        found = [kind for kind in known if name in (kind, kind.partition(".")[0])]
        if not found:
            raise Wrong(f"there is no kind '{name}'{nearest(name, known)}")
        chosen += found
    return chosen


def _ports(node: type[Node[Any]]) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    settings = node.settings_class()
    if any(field.is_required() for field in settings.model_fields.values()):
        return node.inputs, node.outputs
    return node.ports(settings.model_construct())  # unchecked: a provider's key may be missing


def _port(port: Port) -> dict[str, Any]:
    told: dict[str, Any] = {"name": port.name, "frame": port.frame.__name__}
    if port.frame is Audio:
        told |= {"rate": port.rate, "dtype": port.dtype, "frame_ms": port.frame_ms, "like": port.like}
    return {**told, "optional": port.optional, "many": port.many}


def _setting(name: str, field: FieldInfo) -> dict[str, Any]:
    default = field.get_default(call_default_factory=True, validated_data={})
    told: dict[str, Any] = {"name": field.alias or name, "type": _type(field.annotation)}
    if default is PydanticUndefined:
        told["required"] = True
    else:
        told["default"] = default if isinstance(default, str | int | float | bool | type(None)) else str(default)
    limits = " ".join(_limit(part) for part in field.metadata if _limit(part))
    return {**told, "limits": limits, "about": " ".join((field.description or "").split())}


def _limit(part: Any) -> str:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "pattern": "like", "max_length": "length <="}
    return " ".join(
        f"{sign} {getattr(part, name)}" for name, sign in signs.items() if getattr(part, name, None) is not None
    )


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " | ".join(map(repr, get_args(annotation)))
    if get_args(annotation) and get_origin(annotation) is not None:
        inner = [_type(argument) for argument in get_args(annotation)]
        name = getattr(get_origin(annotation), "__name__", "")
        return " | ".join(inner) if name in ("UnionType", "Union") else f"{name}[{', '.join(inner)}]"
    if annotation is type(None):
        return "null"
    return getattr(annotation, "__name__", str(annotation))


def _text(told: dict[str, Any], *, whole: bool) -> str:
    about = told["about"] if whole else told["about"].partition("\n")[0]
    said = about.removeprefix(f"{told['kind']}:").strip()
    lines = [f"{told['kind']}: {said}" if said else told["kind"]]
    if "error" in told:
        return f"{told['kind']}: not usable here: {told['error']}"
    ends = ((name, told[name]) for name in ("inputs", "outputs") if told[name])
    lines += [f"  {name}: " + ", ".join(map(_port_text, ports)) for name, ports in ends]
    for setting in told["settings"]:
        value = "required" if setting.get("required") else f"default {setting['default']!r}"
        limits = f", {setting['limits']}" if setting["limits"] else ""
        lines.append(f"  with {setting['name']} ({setting['type']}{limits}; {value})")
        if setting["about"]:
            lines.append(f"       {setting['about']}")
    return "\n".join(lines)


def _port_text(port: dict[str, Any]) -> str:
    details = [port["frame"]]
    if port.get("rate"):
        details.append(f"{port['rate'] / 1000:g} kHz")
    if port["optional"]:
        details.append("optional")
    return f"{port['name']} ({', '.join(details)})"

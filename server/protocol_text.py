"""The protocol for others: its JSON schema, and a page of Markdown, both made from the models that check it."""

from __future__ import annotations

import json
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema

from vaidol.server import messages, protocol

INTRO = f"""\
# The data channel, version {protocol.VERSION}

A client sends a WebRTC offer to `POST /whip` (a speaker) or `POST /whep` (a viewer: hears and sees all, cannot speak)
and opens two data channels: `state`, ordered and reliable, and `mouth`, unordered and without retransmission. One
message is one JSON object; `t` is its type. Unknown fields and types are to be skipped. `vaidol.server.client` is a
small client in Python.

## Time

`at` is a sample of the output track, 48 kHz, counted from the session's first one. A client learns from `sync` which
sample is being heard: (RTP timestamp of `getSynchronizationSources()` - `origin`) mod 2^32. A command is due when the
sample `at` is heard; without `at`, at once. Without `sync`, it is due 60 ms after its arrival. Samples count on while
nothing is said, and jump ahead over what a stalled server left out.

Mouth tracks are sent some 60 ms before their sound leaves. On `cut`, close the mouth and forget what waits: the reply
is dead. The two channels do not keep each other's order, so also drop what comes later of that turn, or with an `at`
before that of the cut.

## Late joiners

After `hello` come `sync` (as soon as it is known), `state`, `expression`, `persona`, `sight`, the `param`s held,
`gaze`, and the `subtitle` of the sentence that is being spoken.
"""


def schema() -> str:
    """JSON schema of both directions, as text."""
    both = [("server_to_client", messages.ToClient), ("client_to_server", protocol.FromClient)]
    told: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"vaidol data channel, version {protocol.VERSION}",
    }
    definitions: dict[str, Any] = {}
    for direction, union in both:
        models = get_args(union)
        keys, made = models_json_schema([(model, "validation") for model in models], ref_template="#/$defs/{model}")
        renamed = json.dumps([made["$defs"], [keys[(model, "validation")] for model in models]])
        renamed = renamed.replace('"#/$defs/', f'"#/$defs/{direction}.')
        found, told[direction] = json.loads(renamed)
        told[direction] = {"oneOf": told[direction]}
        definitions |= {f"{direction}.{name}": model for name, model in found.items()}
    return json.dumps({**told, "$defs": definitions}, indent=1, ensure_ascii=False) + "\n"


def page() -> str:
    """The Markdown page."""
    parts = [INTRO]
    for title, union in (
        ("Server to client", messages.ToClient),
        ("Client to server", protocol.FromClient),
    ):
        parts.append(f"## {title}\n")
        parts += [_section(model) for model in get_args(union)]
    return "\n".join(parts)


def _section(model: type[BaseModel]) -> str:
    kind = get_args(model.model_fields["t"].annotation)[0]
    lines = [f"### {kind}\n", " ".join((model.__doc__ or "").split()) + "\n"]
    shapes = model.model_json_schema()["properties"]
    rows = [
        f"| `{name}` | {_type(shapes[name])} | {_default(field)} | {_about(field, shapes[name])} |"
        for name, field in model.model_fields.items()
        if name != "t"
    ]
    if rows:
        lines += ["| field | type | if left out | |", "|---|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _type(shape: dict[str, Any]) -> str:
    if "anyOf" in shape:
        return " or ".join(_type(one) for one in shape["anyOf"])
    if "enum" in shape:
        return ", ".join(f'"{value}"' for value in shape["enum"])
    if "$ref" in shape:
        return "object {name}"
    if shape.get("type") == "array":
        return f"list of {_type(shape['items'])}"
    if shape.get("type") == "object":
        return f"object of {_type(shape['additionalProperties'])}"
    low, high = shape.get("minimum"), shape.get("maximum", shape.get("exclusiveMaximum"))
    bounds = f" {low:g}..{high:g}" if low is not None and high is not None and high < 2**31 else ""
    return str(shape["type"]) + bounds


def _default(field: FieldInfo) -> str:
    return "" if field.is_required() else f"`{json.dumps(field.default)}`"


def _about(field: FieldInfo, shape: dict[str, Any]) -> str:
    told = field.description or next((one["description"] for one in shape.get("anyOf", ()) if "description" in one), "")
    return " ".join(told.split())

"""The JSON schema of a pipeline file, with every kind's settings, for completion in editors."""

from __future__ import annotations

import json
from typing import Any

from vaidol.graph.registry import Registry, UnknownKind
from vaidol.graph.spec import PipelineSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_END = r"\s*[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\s*"
EDGE_TEXT = f"^{_END}->{_END}(,{_END})*$"
ABOUT = ("description", "default", "title")
VARIABLE_TEXT = r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"


def pipeline_schema(registry: Registry) -> dict[str, Any]:
    """The schema of a file that uses the kinds in `registry`; imports each of them, and leaves out the broken ones."""
    schema = PipelineSpec.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    node = definitions["NodeSpec"]
    left_out = broken(registry)
    kinds = [kind for kind in registry.kinds() if kind not in left_out]
    node["properties"]["use"] |= {"enum": kinds}
    rules = []
    for kind in kinds:
        settings = registry.find(kind).settings_class().model_json_schema(ref_template=f"#/$defs/{kind}.{{model}}")
        for name, part in settings.pop("$defs", {}).items():
            definitions[f"{kind}.{name}"] = _or_variable(part)
        settings |= {"title": kind, "description": (registry.find(kind).__doc__ or "").partition("\n")[0].strip()}
        definitions[kind] = _or_variable(settings)
        use = {"properties": {"use": {"const": kind}}, "required": ["use"]}
        rules.append({"if": use, "then": {"properties": {"with": {"$ref": f"#/$defs/{kind}"}}}})
    node["allOf"] = rules
    _file_forms(schema)
    return {"$schema": DIALECT, "title": "vaidol pipeline", **{k: v for k, v in schema.items() if k != "title"}}


def text(registry: Registry) -> str:
    """The schema as it stands in `pipelines/schema.json`."""
    return json.dumps(pipeline_schema(registry), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def broken(registry: Registry) -> dict[str, str]:
    """The kinds that cannot be loaded, and why."""
    found = {}
    for kind in registry.kinds():
        try:
            registry.find(kind)
        except UnknownKind as error:
            found[kind] = str(error)
    return found


def _file_forms(schema: dict[str, Any]) -> None:
    """What a file may say beyond the checked spec: `extends`, null for a removed node, edges as text, `${NAME}`."""
    extends = {"type": "string", "description": "The file this one changes; maps merge, a node set to null is removed."}
    properties = schema["properties"]
    properties["extends"] = extends
    nodes = properties["nodes"]
    nodes["additionalProperties"] = {"anyOf": [nodes["additionalProperties"], {"type": "null"}]}
    nodes["propertyNames"] = {"pattern": "^[a-z][a-z0-9_]{0,39}$"}
    short = {"type": "string", "pattern": EDGE_TEXT, "description": "node.port -> node.port"}
    properties["edges"]["items"] = {"anyOf": [short, properties["edges"]["items"]]}
    # a variant takes what it does not say from the file it extends
    schema["required"] = [name for name in schema["required"] if name != "nodes"]
    node = schema["$defs"]["NodeSpec"]
    node.pop("required", None)


def _or_variable(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings whose values may also be text with a `${NAME}` in it."""
    properties = settings.get("properties")
    if isinstance(properties, dict):
        settings["properties"] = {name: _value(part) for name, part in properties.items()}
    settings.pop("required", None)  # may come from the file that is extended
    return settings


def _value(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") == "string" and "pattern" not in part and "enum" not in part:
        return part
    about = {key: value for key, value in part.items() if key in ABOUT}
    rest = {key: value for key, value in part.items() if key not in ABOUT}
    return {**about, "anyOf": [rest, {"type": "string", "pattern": VARIABLE_TEXT}]}

"""What each provider needs and gives, and whether it can be used here: for `vaidol doctor` and the README."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import socket
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from vaidol.graph.registry import Registry, UnknownKind
from vaidol.models.store import Store
from vaidol.nodes._provider import Provider

ROOMS = {"asr": "Speech recognition", "agent": "Agents", "translate": "Translation", "tts": "Voices"}
KNOCK_S = 0.3  # wait for a server on this machine


@dataclass(frozen=True, slots=True)
class Usable:
    """Whether a kind can be used here, and if not, how to get there. `has`: what it needs and found, in words."""

    kind: str
    provider: Provider
    ready: bool
    say: str
    has: tuple[str, ...]


def providers(registry: Registry) -> dict[str, tuple[Provider, type[Any]]]:
    """The kinds that stand for something outside, with their settings."""
    found = {}
    for kind in registry.kinds():
        try:
            node = registry.find(kind)
        except UnknownKind:
            continue
        if isinstance(provider := getattr(node, "provider", None), Provider):
            found[kind] = (provider, node.settings_class())
    return found


def examine(registry: Registry) -> list[Usable]:
    """All of them. Blocks for a moment: it looks at files, and knocks at servers of this machine."""
    ready = {status.model.name: status.state == "ready" for status in Store().status()}
    found = []
    for kind, (provider, settings) in providers(registry).items():
        missing = _missing(provider, settings, ready)
        say = "; ".join(missing) or _given(provider, settings)
        found.append(Usable(kind, provider, not missing, say, _has(provider, settings, ready)))
    return found


def _has(provider: Provider, settings: type[Any], models: dict[str, bool]) -> tuple[str, ...]:
    """Package with its version, program, key, model, device: what of it there is, never what a key says."""
    found = []
    if provider.package and importlib.util.find_spec(provider.package) is not None:
        found.append(f"package {_version(provider.package)}")
    if provider.program and (path := shutil.which(provider.program)):
        found.append(f"program {path}")
    if provider.key and os.environ.get(provider.key):
        found.append(f"key in {provider.key}")
    fields = settings.model_fields
    model = fields["model"].default if "model" in fields else None
    if isinstance(model, str) and models.get(model):
        found.append(f"model {model}")
    if found and not provider.server and not provider.key and provider.package != "edge_tts":  # it computes here
        found.append(f"device {_device(fields)}")
    return tuple(found)


def _version(package: str) -> str:
    names = importlib.metadata.packages_distributions().get(package, [package])
    try:
        return f"{names[0]} {importlib.metadata.version(names[0])}"
    except importlib.metadata.PackageNotFoundError:
        return package


def _device(fields: dict[str, Any]) -> str:
    """Where it computes, as its settings are by default, and what else there is."""
    chosen = str(fields["device"].default) if "device" in fields else "cpu"
    return f"{chosen} (cuda works too)" if "device" in fields and _cuda() else chosen


@cache
def _cuda() -> bool:
    """CTranslate2 sees a graphics card."""
    try:
        return bool(importlib.import_module("ctranslate2").get_cuda_device_count())
    except (ImportError, RuntimeError, OSError):
        return False


def _missing(provider: Provider, settings: type[Any], models: dict[str, bool]) -> list[str]:
    """What stands in the way, and the way out."""
    missing = []
    if provider.package and importlib.util.find_spec(provider.package) is None:
        missing.append(provider.install if provider.extra else f"pip install {provider.package}")
    if provider.program and shutil.which(provider.program) is None:
        missing.append(f"install the program {provider.program}")
    if provider.key and not provider.server and not os.environ.get(provider.key):
        missing.append(f"set {provider.key}")
    fields = settings.model_fields
    model = fields["model"].default if "model" in fields else None
    if isinstance(model, str) and models.get(model) is False:
        missing.append(f"vaidol models pull {model}")
    address = fields["base_url"].default if "base_url" in fields else ""
    if provider.server and address and not _answers(address):
        missing.append(f"start your server, or give base_url: nobody answers at {address}")
    return missing


def _given(provider: Provider, settings: type[Any]) -> str:
    wants = [name for name, field in settings.model_fields.items() if field.is_required()]
    if wants:
        return f"ready; give {' and '.join(wants)}"
    if provider.server and not settings.model_fields["base_url"].default:
        return "ready; give base_url or a preset"
    return "ready"


def _answers(address: str) -> bool:
    url = urlsplit(address)
    try:
        with socket.create_connection((url.hostname or "", url.port or 80), KNOCK_S):
            return True
    except OSError:
        return False


def tables(registry: Registry) -> str:
    """The tables of the README, in Markdown."""
    known, parts = providers(registry), []
    for room, title in ROOMS.items():
        rows = [
            f"| `{kind}` | {provider.name} | {_needs(provider)} | {provider.gives} |"
            for kind, (provider, _) in known.items()
            if kind.partition(".")[0] == room
        ]
        parts.append("\n".join([f"| {title} | | needs | gives |", "|---|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _needs(provider: Provider) -> str:
    if provider.server:
        return f"a server{f', or {provider.key}' if provider.key else ''}"
    if provider.key:
        return f"`{provider.key}`"
    if provider.extra:
        return f"`vaidol[{provider.extra}]`, your files"
    return f"the program `{provider.program}`" if provider.program else "nothing more"

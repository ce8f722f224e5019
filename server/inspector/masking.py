"""Secrets stay on the server: settings as they may be shown, and texts without what they must not tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretBytes, SecretStr

from vaidol.graph.node import Settings
from vaidol.graph.plan import Plan
from vaidol.graph.written import CREDENTIALS, MASK, NAMES

LEAST = 4  # characters of a secret that is looked for in texts; shorter ones would hide half of every word


def masked(settings: Settings) -> dict[str, Any]:
    """`settings` as JSON data: secrets, what is named like one, and passwords in addresses are `MASK`."""
    found: dict[str, Any] = _masked(settings.model_dump(mode="json"), named=False)
    return found


def secrets(plan: Plan) -> tuple[str, ...]:
    """Every secret in the settings of `plan`, the longest first."""
    leaves = (leaf for node in plan.nodes for leaf in _leaves(node.settings.model_dump()))
    found = {_secret(value, named=named) for value, named in leaves}
    return tuple(sorted((text for text in found if text and len(text) >= LEAST), key=len, reverse=True))


def without(text: str, hidden: tuple[str, ...]) -> str:
    """`text` with every one of `hidden` taken out."""
    for secret in hidden:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def _masked(value: Any, *, named: bool) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item, named=named or bool(NAMES.search(str(key)))) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, named=named) for item in value]
    if isinstance(value, str) and value:
        return MASK if named else CREDENTIALS.sub(MASK, value)
    return value


def _leaves(value: Any, *, named: bool = False) -> Iterator[tuple[Any, bool]]:
    """Every single value in `value`, and whether it is named like a secret."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, named=named or bool(NAMES.search(str(key))))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _leaves(item, named=named)
    else:
        yield value, named


def _secret(value: Any, *, named: bool) -> str | None:
    """The secret in a single value, if it is or holds one."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, SecretBytes):
        return value.get_secret_value().decode(errors="replace")
    if not isinstance(value, str):
        return None
    return value if named else _password(value)


def _password(text: str) -> str | None:
    if "://" not in text or "@" not in text:
        return None
    try:
        return urlsplit(text).password
    except ValueError:
        return None

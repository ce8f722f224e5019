"""What a provider says of itself: what it needs, what it gives; read by `vaidol nodes`, `vaidol doctor`, the README."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Settings
from vaidol.graph.yamlfile import nearest


@dataclass(frozen=True, slots=True)
class Provider:
    """Class data of a node that stands for something outside vaidol.

    name: for messages and tables. key: the environment variable with its key. package: the module it imports, which
    `pip install 'vaidol[extra]'` brings. program: a program on the PATH. server: it is one that the user runs.
    streaming: results come while the work goes on; interim: transcripts before the end; words: times of words.
    languages: all it has; voices: some or all; as its settings spell them. None = as many as its model has.
    """

    name: str
    key: str = ""
    package: str = ""
    extra: str = ""
    program: str = ""
    server: bool = False
    streaming: bool = False
    interim: bool = False
    words: bool = False
    languages: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()

    @property
    def install(self) -> str:
        """How to get the package."""
        return f"pip install 'vaidol[{self.extra}]'"

    @property
    def gives(self) -> str:
        """Capabilities in words."""
        count = len(self.languages)
        spoken = f"{count} languages" if count > 1 else f"only {''.join(self.languages)}"
        named = (
            ("streaming", self.streaming), ("interim results", self.interim), ("word times", self.words),
            (spoken, count > 0),
        )  # fmt: skip
        return ", ".join(name for name, has in named if has)


def one_of(what: str, names: tuple[str, ...]) -> AfterValidator:
    """For a setting that is one of `names`: another is a mistake that tells the nearest and all."""

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"no {what} '{name}'{nearest(name, [known for known in names if known])}")
        return name

    return AfterValidator(check)


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a service tells what it has: the path; the key of the list in the JSON, "" = it is the list; the field of
    an entry that names it."""

    path: str
    key: str = ""
    field: str = ""


class RemoteSettings(Settings):
    """What all providers behind a network have in common."""

    provider: ClassVar[Provider]

    base_url: str = Field("", pattern=r"^($|https?://[^\s/]+)")
    """Address of the service or of your own server."""
    api_key: SecretStr = SecretStr("")
    """Key of the service; empty: from the environment variable that `vaidol nodes` names."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Further HTTP headers."""
    connect_s: float = Field(3.0, gt=0, le=60)
    """Wait for the connection, s."""
    first_s: float = Field(8.0, gt=0, le=600)
    """Wait for the first of the answer, s; a service that asks to try again sooner than that is asked again."""
    stall_s: float = Field(5.0, gt=0, le=600)
    """Wait between two pieces of the answer, s."""

    @model_validator(mode="after")
    def _has_key(self) -> Self:
        name = self.provider.key
        if name and not self.provider.server and not self.key:
            raise ValueError(f"{self.provider.name} wants a key: set {name}, or write api_key: ${{{name}}}")
        return self

    @property
    def key(self) -> str:
        """The key, from the settings or the environment."""
        return self.api_key.get_secret_value() or os.environ.get(self.provider.key, "")


def need_package(provider: Provider) -> ModuleType:
    """The module the provider works with; blocks. Raises `ProviderError` with the way to get it."""
    try:
        return importlib.import_module(provider.package)
    except ImportError as error:
        message = f"{provider.name} needs more packages: {provider.install}"
        raise ProviderError(message, code="missing") from error


def need_file(path: str, what: str) -> Path:
    """The user's file or folder. Raises `ProviderError` when it is not there."""
    found = Path(path).expanduser()
    if not path or not found.exists():
        raise ProviderError(f"{what} is not there: '{path}'", code="model")
    return found

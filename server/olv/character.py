"""Whom a client of `/client-ws` sees, and whom it may see instead: names, models, and which expression is which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaidol.nodes.agent._persona import load_persona
from vaidol.server.live2d.ancestor import NO_MODEL, model_info
from vaidol.server.live2d.model import Model
from vaidol.server.persona_files import PersonaFiles

HOME = "conf.yaml"  # how the ancestor calls the persona that a server begins with; its list begins with it
NAME = "Vai"  # where nobody in the pipeline has a persona


@dataclass(frozen=True)
class Character:
    """`model` is the `model_info` of the protocol; its `emotionMap` names an expression of the model by feeling."""

    name: str
    uid: str
    avatar: str = ""
    model: Mapping[str, Any] = field(default_factory=lambda: dict(NO_MODEL))

    def expressions(self, feelings: list[str]) -> list[int | str]:
        """The model's expressions for `feelings`; those it has none for are left out."""
        known: Mapping[str, int | str] = self.model.get("emotionMap") or {}
        return [known[feeling] for feeling in feelings if feeling in known]

    def message(self, client: str | None = None) -> dict[str, Any]:
        told = {
            "type": "set-model-and-conf", "model_info": dict(self.model), "conf_name": self.name, "conf_uid": self.uid
        }  # fmt: skip
        return told if client is None else {**told, "client_uid": client}


class Cast:
    """All characters there are. `setting`: the persona of the pipeline, a name or a path; `models`: those that can be
    shown, the one to begin with first. A persona is known by its name among `files`; "" is the pipeline's own, where
    it is none of them."""

    def __init__(self, files: PersonaFiles, setting: str, models: Sequence[Model]) -> None:
        self._files = files
        self._setting = setting
        self._home = files.name(setting)
        self._shows = bool(models)
        self._default = model_info(models[0]) if models else NO_MODEL
        self._models = {name: model_info(one) for one in reversed(models) for name in (one.name, one.id)}

    @property
    def shows(self) -> bool:
        """Whether there is a model for the client to draw."""
        return self._shows

    def character(self, name: str | None = None) -> Character:
        """The persona `name`, None: the pipeline's own, with its model."""
        name = self._home if name is None else name
        avatar = ""
        with suppress(ValueError):  # no persona, or its file is gone: the talk goes on
            avatar = load_persona(self._files.setting(name) if name else self._setting).avatar
        model = self._models.get(avatar, self._default)
        return Character(self._titles().get(name, name or NAME), name or Path(self._setting or NAME).stem, model=model)

    def configs(self) -> list[dict[str, str]]:
        """The list of `config-files`."""
        return [
            {"filename": HOME if name == self._home else f"{name}.yaml", "name": title}
            for name, title in self._titles().items()
        ]

    def named(self, file: str) -> str:
        """The persona that a client means by `file`. Raises `ValueError`."""
        known = {HOME: self._home} | {f"{name}.yaml": name for name in self._files.names()}
        if file not in known:
            raise ValueError(f"there is no such character; there are: {', '.join(known)}")
        return known[file]

    def _titles(self) -> dict[str, str]:
        """What people call the personas, the pipeline's own first; no two alike, for clients find them by it."""
        titles: dict[str, str] = {}
        for name in dict.fromkeys((self._home, *self._files.names())):
            try:
                title = load_persona(self._files.setting(name) if name else self._setting).name
            except ValueError:
                if name != self._home:
                    continue
                title = NAME
            titles[name] = f"{title} ({name})" if title in titles.values() else title
        return titles

"""Whom a client of `/client-ws` sees: the name, the model and which expression belongs to which feeling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Character:
    """`model` is the `model_info` of the protocol; its `emotionMap` names an expression of the model by feeling."""

    name: str
    uid: str
    avatar: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)

    def expressions(self, feelings: list[str]) -> list[int | str]:
        """The model's expressions for `feelings`; those it has none for are left out."""
        known: Mapping[str, int | str] = self.model.get("emotionMap") or {}
        return [known[feeling] for feeling in feelings if feeling in known]

    def message(self, client: str | None = None) -> dict[str, Any]:
        told = {
            "type": "set-model-and-conf", "model_info": dict(self.model), "conf_name": self.name, "conf_uid": self.uid
        }  # fmt: skip
        return told if client is None else {**told, "client_uid": client}

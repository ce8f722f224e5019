"""A model as clients of the ancestor's protocol want it: the `model_info` of set-model-and-conf."""

from __future__ import annotations

from typing import Any

from vaidol.server.live2d.model import Model

NO_MODEL: dict[str, Any] = {  # an address that holds none: such clients play sound only where they have been given one
    "name": "", "description": "", "url": "/olv-model/none.model3.json", "kScale": 0.5, "initialXshift": 0,
    "initialYshift": 0, "kXOffset": 1150, "idleMotionGroupName": "Idle", "emotionMap": {}, "tapMotions": {},
}  # fmt: skip


def model_info(model: Model) -> dict[str, Any]:
    """`emotionMap` counts the expressions of model3.json, for such clients know no others."""
    told = model.told()
    files = model.settings.file_references if model.settings is not None else None
    listed = [one.name for one in files.expressions] if files is not None else []
    named = {area["name"]: area["id"] for area in told["hit_areas"]}
    return {
        "name": model.name, "description": "", "url": told["model_path"], "kScale": 0.5 * model.notes.scale,
        "initialXshift": 0, "initialYshift": 0, "kXOffset": 1150, "idleMotionGroupName": told["idle"] or "Idle",
        "emotionMap": {
            feeling: listed.index(name) for feeling, name in told["emotions"].items() if name in listed
        },
        "tapMotions": {named.get(area, area): {group: 1} for area, group in told["touch"].items()},
    }  # fmt: skip

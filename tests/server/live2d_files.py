"""Writes model folders as Cubism's tools lay them out; the pictures are one pixel, and the moc is one that only
tests/server/fake_runtime can read."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Range = tuple[str, float, float, float]  # id, lowest, resting, highest
AREAS = ({"Id": "HitArea", "Name": "Head"}, {"Id": "HitArea2", "Name": "Body"})


def picture() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 5)) + chunk(b"IEND", b"")


def expression(**changes: float) -> dict[str, Any]:
    listed = [{"Id": name, "Value": value, "Blend": "Add"} for name, value in changes.items()]
    return {"Type": "Live2D Expression", "FadeInTime": 0.5, "Parameters": listed}


def write_model(
    folder: Path,
    name: str = "mia",
    *,
    expressions: Mapping[str, dict[str, Any]] | None = None,
    motions: Mapping[str, Sequence[str]] | None = None,
    lips: Sequence[str] = ("ParamMouthOpenY",),
    eyes: Sequence[str] = ("ParamEyeLOpen", "ParamEyeROpen"),
    parameters: Sequence[Range] = (),
    **references: Any,
) -> Path:
    """A whole model in `folder`; `references` replace or add entries of FileReferences."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.moc3").write_bytes(b"MOC3" + json.dumps(parameters).encode())
    (folder / "textures").mkdir(exist_ok=True)
    (folder / "textures" / "0.png").write_bytes(picture())
    files: dict[str, Any] = {"Moc": f"{name}.moc3", "Textures": ["textures/0.png"]}
    files["Expressions"] = []
    for title, content in (expressions or {}).items():
        (folder / f"{title}.exp3.json").write_text(json.dumps(content))
        files["Expressions"].append({"Name": title, "File": f"{title}.exp3.json"})
    files["Motions"] = {}
    for group, titles in (motions or {}).items():
        files["Motions"][group] = [{"File": f"{title}.motion3.json"} for title in titles]
        for title in titles:
            motion = {"Version": 3, "Meta": {"Duration": 0.6}, "Curves": [{"Id": "ParamArmLA", "Value": 5}]}
            (folder / f"{title}.motion3.json").write_text(json.dumps(motion))
    groups = [{"Target": "Parameter", "Name": "LipSync", "Ids": lips}]
    groups += [{"Target": "Parameter", "Name": "EyeBlink", "Ids": eyes}]
    model = {"Version": 3, "FileReferences": files | references, "Groups": groups, "HitAreas": AREAS}
    path = folder / f"{name}.model3.json"
    path.write_text(json.dumps(model))
    return path

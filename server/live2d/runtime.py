"""The Cubism runtime, which the user supplies: Live2D's core may not be shipped with vaidol, so it is not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

LICENCE = "https://www.live2d.com/en/sdk/license/"
MOUNT = "live2d-runtime"


@dataclass(frozen=True)
class Script:
    """One file of the runtime: any of `names`, looked for in this order below the folder."""

    about: str
    names: tuple[str, ...]
    needed: bool = True


# In the order in which the page loads them. A folder with just the files will do, and so will node_modules.
SCRIPTS = (
    Script("PixiJS 6 or 7", ("pixi.min.js", "pixi.js", "pixi.js/dist/browser/pixi.min.js", "pixi.js/dist/pixi.min.js")),
    Script(
        "PixiJS's way to work without eval",
        ("unsafe-eval.min.js", "unsafe-eval.js", "@pixi/unsafe-eval/dist/browser/unsafe-eval.min.js",
         "@pixi/unsafe-eval/dist/unsafe-eval.min.js"),
        needed=False,
    ),
    Script("Live2D's Cubism core", ("live2dcubismcore.min.js", "live2dcubismcore.js")),
    Script(
        "pixi-live2d-display 0.4, or its lipsync fork with PixiJS 7",
        ("cubism4.min.js", "cubism4.js", "pixi-live2d-display/dist/cubism4.min.js",
         "pixi-live2d-display-lipsyncpatch/dist/cubism4.min.js"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Runtime:
    """What is in the user's folder now."""

    folder: Path | None
    scripts: tuple[str, ...]
    missing: tuple[Script, ...]
    evals: bool  # PixiJS makes code of text, unless its own plug-in is there

    @property
    def ready(self) -> bool:
        return not self.missing

    def told(self) -> dict[str, Any]:
        return {
            "ready": self.ready, "configured": self.folder is not None, "licence": LICENCE,
            "scripts": [f"{MOUNT}/{name}" for name in self.scripts] if self.ready else [],
            "missing": [{"about": script.about, "name": script.names[0]} for script in self.missing],
        }  # fmt: skip


def look(folder: Path | None) -> Runtime:
    """Whether `folder` holds what is needed."""
    scripts: list[str] = []
    missing: list[Script] = []
    evals = True
    for script in SCRIPTS:
        name = next((name for name in script.names if folder is not None and (folder / name).is_file()), None)
        if name is not None:
            scripts.append(name)
            evals &= script.needed
        elif script.needed:
            missing.append(script)
    return Runtime(folder, tuple(scripts), tuple(missing), evals)

"""Finding and compiling the pipeline a command names: a name in the packaged folder, or a path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaidol.pipelines import LIBRARY
from vaidol.server.cli.wrong import Wrong

if TYPE_CHECKING:
    from vaidol.graph.plan import Plan
    from vaidol.graph.registry import Registry
    from vaidol.graph.spec import Source

HELP = "name of a pipeline that comes with vaidol, or path of a YAML file"


def find(name: str) -> Path:
    """The file `name` means. Raises `Wrong`."""
    given = Path(name)
    if given.suffix in (".yaml", ".yml") or len(given.parts) > 1 or given.is_file():
        return given
    packaged = LIBRARY / f"{name}.yaml"
    if packaged.is_file():
        return packaged
    from vaidol.graph.yamlfile import nearest

    known = nearest(name, names())
    raise Wrong(f"there is no pipeline '{name}'{known}; a path of a YAML file works too")


def names() -> list[str]:
    """Pipelines that come with vaidol."""
    return sorted(path.stem for path in LIBRARY.glob("*.yaml"))


def source(name: str) -> Source:
    """The checked file. Raises `PipelineError`, `Wrong`."""
    from vaidol.graph.spec import load

    return load(find(name), library=LIBRARY)


def plan(name: str, patch: dict[str, Any] | None = None) -> tuple[Plan, Registry]:
    """The compiled pipeline, changed by `patch`, and the kinds it is made of. Raises `PipelineError` with all its
    mistakes, `Wrong`."""
    from vaidol.graph.compiler import compile_plan
    from vaidol.graph.extends import overlay
    from vaidol.graph.spec import check, load
    from vaidol.graph.yamlfile import Document
    from vaidol.nodes import registry

    kinds, found = registry(), load(find(name), library=LIBRARY, partial=True)
    if patch and patch["nodes"]:
        document = found.document
        document.data = dict(found.written)
        found = check(overlay(document, Document(patch, "--swap")), partial=True)
    return compile_plan(found, kinds), kinds

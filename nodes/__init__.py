"""The node kinds: `room/name.py` holds the kind `room.name`. A leading underscore marks a helper of its room."""

from vaidol.graph.registry import Registry


def registry() -> Registry:
    """All kinds that ship with vaidol, and those of installed packages with the entry-point group `vaidol.nodes`."""
    return Registry("vaidol.nodes")

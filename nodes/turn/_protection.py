"""Whether the avatar may be interrupted just now, and what becomes of what the user says while it may not."""

from __future__ import annotations

from vaidol.graph.generations import Fence
from vaidol.nodes.turn._settings import TurnSettings


class Protection:
    """Looks at the reply that is heard: its first `protect_ms`, and sentences marked as protected, are safe."""

    def __init__(self, settings: TurnSettings, fence: Fence) -> None:
        self._settings, self._fence = settings, fence
        self._keeps = settings.meanwhile == "keep"

    @property
    def active(self) -> bool:
        return self.ignores or self.delays

    @property
    def ignores(self) -> bool:
        """What the user says is lost."""
        if not self._settings.bargein:
            return any(turn.spoke for turn in self._fence.turns)
        return not self._keeps and self._fence.protects(self._settings.protect_ms)

    @property
    def delays(self) -> bool:
        """What the user says takes effect later."""
        return self._keeps and self._fence.protects(self._settings.protect_ms)

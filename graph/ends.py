"""Open ends for programs: an inlet that is pushed into and an outlet that keeps what arrives (see `vaidol.graph`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from vaidol.graph.frames import FRAMES, Frame
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port

CLASSES = {frame.__name__: frame for frame in FRAMES}
ClassName = Literal["Audio", "Utterance", "Speech", "Transcript", "TextDelta", "Sentence", "Cue", "Mouth", "Mark"]


class InletSettings(Settings):
    """What comes in."""

    frame: ClassName = "Audio"
    """Class of the frames."""
    rate: int | None = Field(None, gt=0)
    """Rate of audio, Hz."""
    replies: bool = False
    """True: what follows belongs to replies, and dies with its generation."""


class OutletSettings(Settings):
    """What is kept."""

    frame: ClassName = "Audio"
    """Class of the frames."""
    rate: int | None = Field(None, gt=0)
    """Rate of audio, Hz; any when left out."""
    keep: int = Field(1024, ge=0)
    """Frames kept; older ones are forgotten."""


class Inlet(Node[InletSettings]):
    """ends.inlet: what a program pushes.  -> out (of the class in the settings)"""

    @classmethod
    def ports(cls, settings: InletSettings) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
        return (), (Port("out", CLASSES[settings.frame], rate=settings.rate),)

    def push(self, frame: Frame) -> None:
        """Send `frame` on, at once."""
        self.emit("out", frame)


class Outlet(Node[OutletSettings]):
    """ends.outlet: what a program receives.  in (of the class in the settings)"""

    def __init__(self, settings: OutletSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.received: deque[Frame] = deque(maxlen=settings.keep)
        self.on_frame: Callable[[Frame], None] = self.received.append

    @classmethod
    def ports(cls, settings: OutletSettings) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
        return (Port("in", CLASSES[settings.frame], rate=settings.rate, many=True),), ()

    def process(self, port: str, frame: Frame) -> None:
        self.on_frame(frame)


ENDS: dict[str, type[Node[Any]]] = {"ends.inlet": Inlet, "ends.outlet": Outlet}

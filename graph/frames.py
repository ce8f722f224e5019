"""The frames: the immutable values that travel on edges.

Every frame carries the same six stamps (see `Frame`); a node copies `gen` and `trace` from the frame that caused
its work with `**cause.stamp()`. Fan-out shares the object, so a consumer that changes samples copies them first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
EMPTY: F32 = np.zeros(0, np.float32)
EMPTY.setflags(write=False)


class Stamp(TypedDict):
    """What a frame passes on to those made from it."""

    gen: int
    trace: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every frame carries.

    gen: generation; 0 = belongs to no reply (the input lane), otherwise the reply it is part of.
    seq: running number at its producer. pts: sample index since session start at the frame's rate (audio) or at
    48 kHz (avatar frames). born: clock, ns. trace: utterance id, 0 = none.
    final: the last frame of its generation on this port; the text or samples may be empty then.
    """

    owed: ClassVar[bool] = False  # True: who waits for the last frame of this class waits for ever without it

    gen: int = 0
    seq: int = 0
    pts: int = 0
    born: int = 0
    trace: int = 0
    final: bool = False

    @classmethod
    def end(cls, gen: int, trace: int) -> Self:
        """The empty last frame of generation `gen`: what a failed node owes to those downstream."""
        return cls(gen=gen, trace=trace, final=True)

    def stamp(self) -> Stamp:
        """For the frames made from this one: `Sentence(text=..., **frame.stamp())`."""
        return {"gen": self.gen, "trace": self.trace}

    @property
    def ms(self) -> float:
        """Media duration in ms; 0 for frames that are not audio."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Word:
    """`text`, as in its sentence's `speech`, is heard from `begin_ms` to `end_ms` of the sentence's sound."""

    text: str
    begin_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio(Frame):
    """Mono sound: `samples` (n,) float32 in [-1, 1] or int16, C-contiguous, read-only, at `rate` Hz.

    `of` is the sentence this sound speaks, None for a microphone; `sentence_end` marks its last frame. `words`: all
    words of the sentence whose times the voice has told so far, those of earlier frames too.
    """

    owed: ClassVar[bool] = True

    samples: NDArray[np.float32] | NDArray[np.int16] = field(default_factory=lambda: EMPTY)
    rate: int = 16_000
    of: Sentence | None = None
    sentence_end: bool = False
    words: tuple[Word, ...] = ()

    def __post_init__(self) -> None:
        if self.samples.ndim != 1:
            raise ValueError(f"Audio wants mono samples (n,), got shape {self.samples.shape}")
        if self.samples.flags.writeable:
            self.samples.setflags(write=False)

    @property
    def ms(self) -> float:
        return len(self.samples) * 1000.0 / self.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance(Frame):
    """All the sound of one user turn, with its pre-roll: `samples` (n,) float32 mono in [-1, 1] at `rate` Hz."""

    owed: ClassVar[bool] = True

    samples: NDArray[np.float32] = field(default_factory=lambda: EMPTY)
    rate: int = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech(Frame):
    """The user begins (`active`) or ends to speak; `pts` is the sample at 16 kHz where that happened (back-dated)."""

    active: bool = True
    probability: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript(Frame):
    """What the user said or typed. `final` False = a partial that later ones replace.

    aside: nobody said it: a note to the agent, which is answered, but never shown or remembered as the user's words.
    fleeting: the answer is not remembered either.
    who: its author, where there are several; "" = the user. rank: a message of an audience that should come before
    others has a higher one. ref: which message of an audience it is, as NODE:ID; without a text it takes that one back.
    """

    owed: ClassVar[bool] = True

    text: str = ""
    language: str = ""
    typed: bool = False
    aside: bool = False
    fleeting: bool = False
    who: str = ""
    rank: int = 0
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Frame):
    """A picture the user shows: `data` is a whole file of type `mime` (JPEG, PNG or WebP); empty: nothing is shown any
    more. Pictures are for the moment: not in `FRAMES`, because nothing records them."""

    data: bytes = field(default=b"", repr=False)
    mime: str = "image/jpeg"
    shown: Literal["camera", "screen", "clipboard", "upload"] = "upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(Frame):
    """A piece of the agent's reply as it comes, tags included."""

    owed: ClassVar[bool] = True

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue(Frame):
    """A command to the avatar, due at the 48 kHz sample `pts` of the output; `offset` is the character of its sentence
    where it belongs.

    expression: show the face `name` with `weight` in [0, 1]. motion: move by `name`, or by clip `index` (None: any) of
    the model's `group`. param: hold the model's parameter `name` at `value`, by the share `weight` (0: let it go).
    gaze: look to (`x`, `y`) in [-1, 1], right and up positive, None: anywhere.
    `fade_ms`: time to get there; `hold_ms`: time to stay, 0 = until the next.
    """

    kind: Literal["expression", "motion", "param", "gaze"] = "expression"
    name: str = "neutral"
    weight: float = 1.0
    fade_ms: int = 300
    hold_ms: int = 0
    offset: int = 0
    group: str = ""
    index: int | None = None
    priority: Literal["idle", "normal", "force"] = "normal"
    value: float = 0.0
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence(Frame):
    """One piece of reply to speak at once: `text` as shown and remembered, `speech` as spoken, cues inside it.

    `protected`: the user may not interrupt it.
    """

    owed: ClassVar[bool] = True

    text: str = ""
    speech: str = ""
    cues: tuple[Cue, ...] = ()
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mouth(Frame):
    """Mouth track: one value per `step` samples from `pts` on (48 kHz); `open` in [0, 1], `form` in [-1, 1].

    `vowels`: for each value the weights of A I U E O, their sum at most the opening; empty where nobody tells them.
    What comes later replaces what an earlier frame said of the same samples. `born`, if not 0: when sample `pts`
    leaves for the listener, which may be later than now.
    """

    step: int = 960
    open: tuple[float, ...] = ()
    form: tuple[float, ...] = ()
    vowels: tuple[tuple[float, float, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Frame):
    """The playout cursor reached something, at output sample `pts`: a sentence's start or end, or the reply's end.

    `words`: times of the sentence's words, as far as the voice had told them by then.
    """

    kind: Literal["sentence_start", "sentence_end", "reply_end"] = "reply_end"
    sentence: Sentence | None = None
    words: tuple[Word, ...] = ()


FRAMES: tuple[type[Frame], ...] = (Audio, Utterance, Speech, Transcript, TextDelta, Sentence, Cue, Mouth, Mark)
FrameT = TypeVar("FrameT", bound=Frame)

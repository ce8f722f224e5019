"""The settings that all turn nodes have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vaidol.graph.node import Settings


class TurnSettings(Settings):
    """What all ways of finding the end of a turn have in common."""

    silence_ms: int = Field(500, ge=50, le=5_000)
    """Silence after the last speech that ends the turn, ms. The VAD's hangover is part of it, not added to it. Whoever
    goes on must do so its onset time (96 ms) sooner, for only then is it known to be speech."""
    preroll_ms: int = Field(300, ge=0, le=2_000)
    """Sound before the onset that goes to the recognizer too, ms: soft first consonants."""
    min_speech_ms: int = Field(250, ge=0, le=5_000)
    """An utterance with less speech than this is a noise and is ignored, ms."""
    max_s: int = Field(30, ge=5, le=300)
    """A longer utterance is cut at its quietest place and goes on as the next one, s."""
    push_to_talk: bool = False
    """True: only the key that is held to talk counts, whatever the VAD hears. With False the key works as well."""
    bargein: bool = True
    """True: the user may interrupt. False: what the user says while the avatar is heard is ignored."""
    protect_ms: int = Field(0, ge=0, le=60_000)
    """The first so many ms of each reply cannot be interrupted; nor can a sentence that the agent marks with
    [protected]."""
    meanwhile: Literal["keep", "ignore"] = "keep"
    """What the user says during protected words: keep = it interrupts when they are over; ignore."""
    bargein_ms: int = Field(300, ge=0, le=5_000)
    """Speech that lasts this long ends the reply under way; shorter (a cough, "mhm") only pauses it, ms."""

"""turn.silence: the user's turn ends after a silence."""

from __future__ import annotations

from vaidol.nodes.turn._settings import TurnSettings
from vaidol.nodes.turn._turns import Turns


class SilenceTurnSettings(TurnSettings):
    """Those that all have in common."""


class SilenceTurn(Turns[SilenceTurnSettings]):
    """turn.silence: find the end of the user's turn by silence, and let the user interrupt.

    speech (Speech), audio (Audio, 16 kHz), talk (Speech, a key is held)
    -> utterance (Utterance, 16 kHz, final, with a generation of its own)

    Simple and predictable; `turn.smart` answers sooner and waits where somebody thinks.
    """

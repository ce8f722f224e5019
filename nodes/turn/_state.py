"""What a turn node hands to the one that takes its place: the sound so far, and how far the user's turn is."""

from __future__ import annotations

TURN: tuple[str, ...] = (
    "_ring", "_count", "_floor", "_lag", "_frame", "_speaking", "_pressed", "_since", "_quiet_from", "_open", "_begin",
    "_voiced", "_lasted",
)  # fmt: skip
SMART = (
    *TURN, "_patience", "_numbered", "_attempt", "_ended", "_has_words", "_finished", "_ask_at_ms", "_words_go_on",
    "_asks", "_words_stop", "_punctuates",
)  # fmt: skip

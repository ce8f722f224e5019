"""The settings of turn.smart."""

from __future__ import annotations

from pydantic import Field

from vaidol.nodes.turn._settings import TurnSettings


class SmartTurnSettings(TurnSettings):
    silence_ms: int = Field(900, ge=50, le=5_000)
    """Silence that ends the turn after a whole sentence, whatever it sounded like, ms."""
    least_ms: int = Field(260, ge=50, le=5_000)
    """Silence that a turn which says and sounds that it is over needs at least, ms."""
    question_ms: int = Field(450, ge=50, le=5_000)
    """Silence that ends a turn whose words are a whole question, a request or thanks, whatever it sounded like, ms.
    This and the next two count only where `transcript` comes in."""
    statement_ms: int = Field(650, ge=50, le=5_000)
    """Silence after a statement that sounds finished, ms: another one may follow. After a few pauses of a speaker, what
    is longer than most of them counts instead, up to `silence_ms`."""
    unfinished_ms: int = Field(1600, ge=50, le=10_000)
    """Silence that ends a turn whose words go on ("I would like to"), ms."""
    judge_ms: int = Field(192, ge=50, le=2_000)
    """The model is asked after this much silence, ms."""
    judge_again_ms: int = Field(200, ge=50, le=2_000)
    """And again after each further silence of this length, ms; each time takes about 50 ms of a core."""
    finished: float = Field(0.5, ge=0, le=1)
    """Probability at which the sound is halfway between unfinished and finished, 0..1. Lower: quicker, and cuts in more
    often."""
    speculate_ms: int = Field(160, ge=0, le=5_000)
    """After this much silence recognizer and agent begin to work on what was said, in the hope that the turn is over;
    nothing of it is heard before that is known, ms. 0 = never. The VAD's hangover is the least that works."""
    agreement_ms: int = Field(600, ge=0, le=5_000)
    """While the avatar speaks, shorter speech than this interrupts it by its words, not by its length: "yeah, right"
    does not, ms; only where `partial` goes to a recognizer whose transcripts come back."""
    partial_ms: int = Field(700, ge=0, le=10_000)
    """While the user speaks, the recognizer is asked for words so often, ms; less often when the machine is busy. 0 =
    never."""
    model: str = "smart-turn-v3.2"
    """Model of the catalogue, or path of an ONNX file; "" = only the words decide."""

"""sim.turn: turn.smart without its model; every silence sounds like an end."""

from __future__ import annotations

from vaidol.graph.frames import F32
from vaidol.graph.node import Need
from vaidol.nodes.turn._smart_settings import SmartTurnSettings
from vaidol.nodes.turn.smart import SmartTurns


class SimTurn(SmartTurns):
    """sim.turn: end the user's turn in scenarios, by silence and words.

    speech (Speech), audio (Audio, 16 kHz), transcript (Transcript) -> utterance (Utterance, 16 kHz, final)
    """

    @classmethod
    def needs(cls, settings: SmartTurnSettings) -> tuple[Need, ...]:
        return ()

    async def open(self) -> None:
        """There is no model."""

    async def judge(self, sound: F32) -> float:
        return 1.0

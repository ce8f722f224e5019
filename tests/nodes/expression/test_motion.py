"""expression.motion: gestures at their words, nods for a user who pauses, an absent look while thinking."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any

import pytest

from tests.graphs import play, sink
from vaidol.graph.frames import Cue, Mark, Sentence, Speech
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.nodes.expression._gestures import APART, MOST, gestures

RATE = 48_000


class Talk(Node[Settings]):
    """Stands for the pacer and for the user's voice."""

    outputs = (Port("spoken", Mark), Port("speech", Speech))
    replies = True

    def say(self, text: str, at_s: float) -> None:
        sentence = Sentence(text=text, speech=text)
        gen = self.ctx.fence.newest
        self.emit("spoken", Mark(kind="sentence_start", pts=int(at_s * RATE), sentence=sentence, gen=gen, trace=7))

    def user(self, active: bool) -> None:
        self.emit("speech", Speech(active=active))


def moved(do: Any, **settings: Any) -> list[Cue]:
    async def scene(graph: Graph) -> None:
        await do(graph.node("talk"), graph)
        await asyncio.sleep(1)

    nodes = {"talk": Talk, "motion": ("expression.motion", settings), "end": sink(Cue)}
    edges = ["talk.spoken -> motion.spoken", "talk.speech -> motion.speech", "motion.cue -> end.in"]
    result = play(nodes, edges, do=scene)
    assert result.errors == []
    return result.frames("end")


def test_gestures_come_at_their_words() -> None:
    async def do(talk: Talk, graph: Graph) -> None:
        graph.fence.begin(7)
        talk.say("We went to the sea, and the water was ABSOLUTELY wonderful today!", 2.0)

    made = moved(do, thinking=False)
    assert {cue.kind for cue in made} == {"param"}
    tilt = [cue for cue in made if cue.offset == 0]
    assert [cue.name for cue in tilt] == ["ParamAngleZ", "ParamBodyAngleX"]
    assert all(cue.pts == 2 * RATE for cue in tilt)
    beat = [cue for cue in made if cue.name == "ParamAngleY"]
    assert [(cue.offset, cue.pts) for cue in beat] == [
        (38, 2 * RATE + 38 * RATE // 15),
        (59, 2 * RATE + 59 * RATE // 15),
    ]
    assert all(cue.hold_ms and cue.gen == 1 and cue.weight == 0.7 for cue in made)


def test_while_the_answer_is_sought_the_look_goes_aside_and_comes_back_with_the_voice() -> None:
    async def do(talk: Talk, graph: Graph) -> None:
        gen = graph.fence.begin(7, speculative=True)
        await asyncio.sleep(0.2)
        graph.fence.commit(gen)
        await asyncio.sleep(0.5)
        graph.fence.spoke(gen)
        graph.fence.played_out(gen)

    away, back = moved(do)
    assert (away.kind, back.kind) == ("gaze", "gaze")
    assert away.x is not None
    assert away.y is not None
    assert abs(away.x) > 0.2
    assert away.hold_ms > 0
    assert (back.x, back.y) == (None, None)


def test_an_abandoned_guess_moves_nothing() -> None:
    async def do(talk: Talk, graph: Graph) -> None:
        graph.fence.abandon(graph.fence.begin(7, speculative=True))

    assert moved(do) == []


def test_it_nods_to_a_user_who_pauses_but_not_all_the_time() -> None:
    async def do(talk: Talk, graph: Graph) -> None:
        for _ in range(6):  # a pause every second
            talk.user(active=True)
            await asyncio.sleep(0.8)
            talk.user(active=False)
            await asyncio.sleep(0.2)
        graph.fence.begin(7)
        await asyncio.sleep(9)
        talk.user(active=False)  # while the reply is under way

    nods = moved(do, thinking=False, listening_every_s=3)
    assert [(cue.kind, cue.name, cue.priority) for cue in nods] == [("motion", "nod", "idle")] * 2


def test_a_reply_may_begin_with_a_motion_and_all_may_be_switched_off() -> None:
    async def do(talk: Talk, graph: Graph) -> None:
        talk.user(active=False)
        graph.fence.begin(7)
        talk.say("One.", 1.0)
        talk.say("Two.", 2.0)

    made = moved(do, gestures=0, thinking=False, listening="", speaking=["talk_01"])
    assert [(cue.name, cue.priority, cue.pts, cue.gen) for cue in made] == [("talk_01", "idle", RATE, 1)]
    assert moved(do, gestures=0, thinking=False, listening="") == []


@pytest.mark.parametrize(
    ("text", "count"), [("", 1), ("Yes.", 1), ("NO NO NO NO NO NO NO NO NO NO", 1), ("very " * 40, MOST)]
)
def test_gestures_keep_their_distance(text: str, count: int) -> None:
    found = gestures(text, random.Random(3))
    assert len(found) == count
    offsets = [offset for offset, _ in found]
    assert all(b - a >= APART for a, b in itertools.pairwise(offsets))


def test_a_question_raises_the_brows() -> None:
    assert "ParamBrowLY" in {move.id for _, moves in gestures("Are you there?", random.Random(1)) for move in moves}
    assert "ParamBrowLY" not in {move.id for _, moves in gestures("I am here.", random.Random(1)) for move in moves}

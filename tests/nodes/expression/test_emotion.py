"""expression.emotion: which faces, at which sample of the output."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.graphs import Result, play, sink
from vaidol.graph.frames import Cue, Mark, Sentence, Word
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph

RATE = 48_000


class Marks(Node[Settings]):
    """Stands for the pacer."""

    outputs = (Port("spoken", Mark),)
    replies = True

    def say(self, kind: Any, at_s: float, sentence: Sentence | None = None, words: tuple[Word, ...] = ()) -> None:
        pts, gen = int(at_s * RATE), self.ctx.fence.newest
        self.emit("spoken", Mark(kind=kind, pts=pts, sentence=sentence, gen=gen, trace=7, words=words))

    def speak(self, text: str, start_s: float, end_s: float, *cues: Cue, words: tuple[Word, ...] = ()) -> None:
        sentence = Sentence(text=text, speech=text, cues=cues)
        self.say("sentence_start", start_s, sentence, words)
        self.say("sentence_end", end_s, sentence)


def show(do: Callable[[Any, Graph], Any], *, seconds: float = 5, **settings: Any) -> Result:
    """What comes of `do(marks, graph)` and some time. Faces do not calm down, unless the settings say so."""
    settings = {"calm": 1, **settings}

    async def scene(graph: Graph) -> None:
        graph.fence.begin(7)
        returned = do(graph.node("marks"), graph)
        if asyncio.iscoroutine(returned):
            await returned
        await asyncio.sleep(seconds)

    return play(
        {"marks": Marks, "emotion": ("expression.emotion", settings), "end": sink(Cue)},
        ["marks.spoken -> emotion.spoken", "emotion.cue -> end.in"],
        do=scene,
    )


def cues(result: Result) -> list[tuple[str, str, float]]:
    return [(cue.kind, cue.name, round(cue.pts / RATE, 3)) for cue in result.frames("end")]


def test_cues_are_due_where_their_words_are_heard() -> None:
    def do(marks: Marks, graph: Graph) -> None:
        waving = Cue(kind="motion", name="wave", offset=30)
        marks.speak("I am glad to see you and " * 2, 2.0, 5.3, Cue(name="joy", weight=0.4), waving)

    result = show(do)
    assert cues(result) == [("expression", "joy", 2.0), ("motion", "wave", 4.0)]  # 15 characters a second
    assert result.frames("end")[0].weight == 0.4


def test_where_the_voice_tells_its_words_cues_are_due_by_them() -> None:
    def do(marks: Marks, graph: Graph) -> None:
        times = ((0, 900), (950, 1400), (1500, 3000))
        words = tuple(
            Word(text=t, begin_ms=b, end_ms=e) for t, (b, e) in zip(["Well", "hello", "there"], times, strict=True)
        )
        marks.speak(
            "Well hello there", 2.0, 5.0, Cue(name="joy"), Cue(kind="motion", name="wave", offset=5), words=words
        )

    assert cues(show(do)) == [("expression", "joy", 2.0), ("motion", "wave", 2.95)]


def test_each_clause_may_have_its_mood() -> None:
    def do(marks: Marks, graph: Graph) -> None:
        marks.speak("I was so sad, it rained, but now I am so happy!", 1.0, 4.0)

    result = show(do, seconds=0, fade_ms=200)
    assert cues(result) == [("expression", "sadness", 1.0), ("expression", "joy", round(1 + 25 / 15, 3))]
    assert [cue.fade_ms for cue in result.frames("end")] == [200, 200]
    assert all(0 < cue.weight <= 0.8 for cue in result.frames("end"))


def test_in_a_long_reply_a_face_calms_down() -> None:
    async def do(marks: Marks, graph: Graph) -> None:
        marks.speak("I am so happy for you!", 0, 2)
        await asyncio.sleep(2)
        marks.speak("The train leaves at nine.", 2, 8)  # no other face: this one goes on

    result = show(do, seconds=4, calm=0.5, sustain_ms=3000)
    assert cues(result) == [("expression", "joy", 0.0), ("expression", "joy", 3.0)]
    (at, full), (later, half) = result.at("end")
    assert (at, later) == (0.0, 3.0)
    assert half.weight == pytest.approx(full.weight / 2)


def test_a_face_that_was_cut_does_not_calm_down_any_more() -> None:
    async def do(marks: Marks, graph: Graph) -> None:
        marks.speak("I am so happy for you!", 0, 2)
        await asyncio.sleep(0.5)
        graph.fence.cut("barge-in")

    assert cues(show(do, calm=0.5, sustain_ms=1000, hold_ms=3000))[-1][1] == "neutral"
    assert len(cues(show(do, calm=0.5, sustain_ms=1000, hold_ms=3000))) == 2


@pytest.mark.parametrize(
    ("text", "settings", "name", "weight"),
    [
        ("I am so happy for you!", {}, "joy", 0.8),
        ("I am so happy for you!", {"weight": 0.5}, "joy", 0.5),
        ("I am so happy for you!", {"sentiment": False}, None, 0),
        ("The train leaves at nine.", {}, None, 0),
    ],
)
def test_where_there_is_no_cue_the_words_decide(
    text: str, settings: dict[str, Any], name: str | None, weight: float
) -> None:
    result = show(lambda marks, graph: marks.speak(text, 1, 2), seconds=0, **settings)
    made = result.frames("end")
    assert [cue.name for cue in made] == ([name] if name else [])
    assert all(0 < cue.weight <= weight and (cue.gen, cue.trace) == (1, 7) for cue in made)


def test_a_motion_alone_does_not_keep_the_words_from_deciding() -> None:
    def do(marks: Marks, graph: Graph) -> None:
        marks.speak("I am so happy!", 1, 2, Cue(kind="motion", name="nod"))

    assert {name for _, name, _ in cues(show(do))} >= {"nod", "joy"}


def test_after_the_reply_the_face_is_neutral_again() -> None:
    async def do(marks: Marks, graph: Graph) -> None:
        marks.speak("Hm.", 1, 2, Cue(name="joy"))
        marks.say("reply_end", 2)
        graph.fence.played_out(1)
        await asyncio.sleep(1.4)
        assert len(graph.node("end").got) == 1

    assert cues(show(do)) == [("expression", "joy", 1.0), ("expression", "neutral", 3.5)]


def test_a_reply_that_begins_before_that_keeps_its_own_face() -> None:
    async def do(marks: Marks, graph: Graph) -> None:
        marks.speak("Hm.", 1, 2, Cue(name="joy"))
        marks.say("reply_end", 2)
        graph.fence.played_out(1)
        await asyncio.sleep(1)
        graph.fence.begin(8)
        marks.speak("Oh.", 3, 4, Cue(name="sadness"))

    assert [name for _, name, _ in cues(show(do))] == ["joy", "sadness"]


def test_a_neutral_face_is_not_told_again() -> None:
    def do(marks: Marks, graph: Graph) -> None:
        marks.speak("The train leaves at nine.", 1, 2)
        marks.say("reply_end", 2)

    assert cues(show(do)) == []


def test_after_a_cut_the_face_is_neutral_and_the_command_comes_after_the_cut() -> None:
    async def do(marks: Marks, graph: Graph) -> None:
        marks.speak("Hm.", 1, 2, Cue(name="anger"))
        graph.fence.cut("barge-in")
        assert len(graph.node("end").got) == 1

    result = show(do, hold_ms=500)
    assert [name for _, name, _ in cues(result)] == ["anger", "neutral"]
    assert result.at("end")[1][0] == pytest.approx(0.5)
    assert result.frames("end")[1].gen == 0


def test_a_sentence_without_sound_shows_its_cues_at_its_end() -> None:
    def do(marks: Marks, graph: Graph) -> None:
        marks.say("sentence_end", 2, Sentence(cues=(Cue(name="love"),)))

    assert cues(show(do, seconds=0)) == [("expression", "love", 2.0)]


def test_names_are_mapped_and_unknown_ones_are_left_out() -> None:
    def do(marks: Marks, graph: Graph) -> None:
        named = [Cue(name=name) for name in ("joy", "whispers softly", "catgirl")]
        marks.speak("Hm.", 1, 2, *named, Cue(kind="motion", name="nod"))

    shown = cues(show(do, seconds=0, map={"joy": "exp_03", "catgirl": "ears"}))
    assert [name for _, name, _ in shown] == ["exp_03", "ears", "nod"]

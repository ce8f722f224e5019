"""Guessing which expression shows which feeling."""

from __future__ import annotations

import pytest

from vaidol.server.live2d.emotions import guess, looks, named
from vaidol.server.live2d.files import Change


def changes(**values: float) -> tuple[Change, ...]:
    return tuple(Change(Id=name, Value=value) for name, value in values.items())


@pytest.mark.parametrize(
    ("name", "feeling"),
    [
        ("smile", "joy"), ("Smile_02", "joy"), ("exp_happy", "joy"), ("F_FUN", "joy"), ("笑顔", "joy"), ("开心", "joy"),
        ("Angry", "anger"), ("怒り", "anger"), ("angryFace", "anger"), ("生气", "anger"),
        ("悲しい", "sadness"), ("Crying", "sadness"), ("tearDrop", "sadness"), ("surprised", "surprise"),
        ("びっくり", "surprise"), ("照れ", "shy"), ("害羞", "shy"), ("blush", "shy"), ("heart_eyes", "love"),
        ("normal", "neutral"), ("デフォルト", "neutral"), ("ウィンク", "wink"), ("sleepy", "sleepy"),
        ("exp_03", None), ("f01", None), ("MADE_BY", None), ("glasses", None), ("", None),
    ],
)  # fmt: skip
def test_names_speak_for_themselves(name: str, feeling: str | None) -> None:
    assert named(name) == feeling


@pytest.mark.parametrize(
    ("moved", "feeling"),
    [
        (changes(ParamEyeLSmile=1, ParamEyeRSmile=1, ParamMouthForm=1), "joy"),
        (changes(ParamBrowLY=-1, ParamBrowRY=-1, ParamBrowLAngle=-1, ParamBrowRAngle=-1, ParamMouthForm=-1), "anger"),
        (changes(ParamBrowLAngle=1, ParamBrowRAngle=1, ParamMouthForm=-1, ParamEyeLOpen=-0.3), "sadness"),
        (changes(ParamEyeLOpen=0.5, ParamEyeROpen=0.5, ParamBrowLY=1, ParamBrowRY=1), "surprise"),
        (changes(ParamTere=1), "shy"),
        (changes(), "neutral"),
        (changes(ParamGlasses=1), None),
    ],
)
def test_an_unnamed_expression_is_judged_by_what_it_moves(moved: tuple[Change, ...], feeling: str | None) -> None:
    assert looks(moved) == feeling


def test_names_come_before_looks_and_the_nearest_feeling_stands_in() -> None:
    joyful = changes(ParamEyeLSmile=1, ParamEyeRSmile=1, ParamMouthForm=1)
    found = guess({"exp_01": joyful, "smile": (), "exp_02": changes(ParamCheek=1), "angry": joyful})
    assert found == {
        "love": "smile", "shy": "exp_02", "anger": "angry", "disgust": "angry", "smirk": "smile", "joy": "smile"
    }  # fmt: skip
    assert guess({}) == {}

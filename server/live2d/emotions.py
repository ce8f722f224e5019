"""Which expression of a model shows which feeling, guessed from names such as smile or 怒り and from what it moves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from vaidol.server.live2d.files import Change

# feeling -> words; the first feeling that has a word in the name wins. Short ASCII words count as whole words only.
WORDS: Mapping[str, tuple[str, ...]] = {
    "neutral": ("neutral", "normal", "default", "idle", "reset", "通常", "普通", "デフォルト", "默认", "正常",
        "기본"),
    "love": ("love", "heart", "hearts", "ハート", "爱心", "愛", "星星眼", "好き", "하트"),
    "shy": ("shy", "blush", "embarrass", "tere", "照れ", "恥", "赤面", "害羞", "脸红", "부끄"),
    "wink": ("wink", "ウインク", "ウィンク", "眨眼", "윙크"),
    "anger": ("anger", "angry", "mad", "ikari", "okori", "怒", "生气", "生氣", "黑脸", "화남"),
    "sadness": ("sad", "sadness", "sorrow", "cry", "crying", "tear", "tears", "kanashi", "悲", "泣", "涙", "哭",
        "难过", "伤心", "슬픔"),
    "fear": ("fear", "afraid", "scared", "panic", "怖", "恐", "害怕", "冷汗", "困"),
    "surprise": ("surprise", "surprised", "shock", "shocked", "astonish", "odoroki", "bikkuri", "驚", "惊",
        "びっくり", "吃惊", "놀람"),
    "disgust": ("disgust", "disgusted", "jito", "じと", "嫌", "鄙视", "讨厌", "白眼"),
    "smirk": ("smirk", "smug", "doya", "ドヤ", "得意", "坏笑", "にやり"),
    "sleepy": ("sleep", "sleepy", "tired", "yawn", "眠", "困倦", "睡", "졸림"),
    "thinking": ("think", "thinking", "ponder", "考", "思考", "생각"),
    "joy": ("joy", "happy", "smile", "smiling", "laugh", "fun", "egao", "nico", "笑", "喜", "嬉", "開心", "开心",
        "高兴", "楽", "웃음"),
}  # fmt: skip
FEELINGS = tuple(WORDS)
STAND_IN = {"smirk": "joy", "love": "joy", "disgust": "anger", "fear": "sadness"}


def guess(expressions: Mapping[str, Sequence[Change]]) -> dict[str, str]:
    """Feeling -> expression: from its name, or else (exp_03) from what it does to brows, eyes and mouth."""
    found: dict[str, str] = {}
    unnamed: dict[str, Sequence[Change]] = {}
    for name, changes in expressions.items():
        feeling = named(name)
        if feeling is None:
            unnamed[name] = changes
        else:
            found.setdefault(feeling, name)
    for name, changes in unnamed.items():
        feeling = looks(changes)
        if feeling is not None and feeling not in found:
            found[feeling] = name
    for feeling, other in STAND_IN.items():
        if feeling not in found and other in found:
            found[feeling] = found[other]
    return {feeling: found[feeling] for feeling in FEELINGS if feeling in found}


def named(expression: str) -> str | None:
    """The feeling that a name speaks of."""
    words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", expression).lower()))
    for feeling, known in WORDS.items():
        for word in known:
            if word in words if word.isascii() else word in expression:
                return feeling
    return None


def looks(changes: Sequence[Change]) -> str | None:
    """The feeling that an expression seems to show, by the standard ids it adds to; None where it is unclear."""
    moved = {change.id: change.value for change in changes if change.blend == "Add" and change.value}
    if not changes:
        return "neutral"

    def mean(left: str) -> float:
        return (moved.get(left, 0.0) + moved.get(left.replace("L", "R"), 0.0)) / 2

    eyes, smile, brow, angle = (
        mean("ParamEyeLOpen"),
        mean("ParamEyeLSmile"),
        mean("ParamBrowLY"),
        mean("ParamBrowLAngle"),
    )
    form, mouth = mean("ParamBrowLForm"), moved.get("ParamMouthForm", 0.0)
    scores = {
        "joy": 1.2 * smile + 0.6 * mouth - 0.5 * abs(angle),
        "anger": -0.9 * angle - 0.5 * brow - 0.5 * form - 0.5 * mouth,
        "sadness": 0.9 * angle - 0.8 * mouth - 0.5 * eyes - 0.3 * smile,
        "surprise": 1.5 * eyes + 0.8 * brow - 0.4 * smile,
        "shy": moved.get("ParamCheek", 0.0) + moved.get("ParamTere", 0.0) - 0.5 * abs(mouth),
    }
    best = max(scores, key=lambda feeling: scores[feeling])
    return best if scores[best] >= 0.6 else None

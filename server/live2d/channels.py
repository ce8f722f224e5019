"""Which parameters of a model do what: the page speaks in Cubism's standard ids, and models deviate from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

VOWELS = ("ParamA", "ParamI", "ParamU", "ParamE", "ParamO")
STANDARD = (
    "ParamAngleX", "ParamAngleY", "ParamAngleZ", "ParamBodyAngleX", "ParamBodyAngleY", "ParamBodyAngleZ",
    "ParamBreath", "ParamEyeLOpen", "ParamEyeROpen", "ParamEyeLSmile", "ParamEyeRSmile", "ParamEyeBallX",
    "ParamEyeBallY", "ParamEyeBallForm", "ParamBrowLY", "ParamBrowRY", "ParamBrowLX", "ParamBrowRX",
    "ParamBrowLAngle", "ParamBrowRAngle", "ParamBrowLForm", "ParamBrowRForm", "ParamMouthOpenY", "ParamMouthForm",
    "ParamCheek", "ParamShoulderY", "ParamArmLA", "ParamArmRA", "ParamHandL", "ParamHandR", *VOWELS,
)  # fmt: skip
ALIASES: Mapping[str, Sequence[str]] = {  # standard id -> other spellings met in models, already folded by `fold`
    "ParamAngleX": ("headx", "headanglex", "facex"),
    "ParamAngleY": ("heady", "headangley", "facey"),
    "ParamAngleZ": ("headz", "headanglez", "facez"),
    "ParamBodyAngleX": ("bodyx", "bodyrotationx"),
    "ParamBodyAngleY": ("bodyy", "bodyrotationy"),
    "ParamBodyAngleZ": ("bodyz", "bodyrotationz"),
    "ParamBreath": ("breathing", "bodybreath"),
    "ParamEyeLOpen": ("eyeopenl", "leyeopen", "eyeopenleft", "eyel"),
    "ParamEyeROpen": ("eyeopenr", "reyeopen", "eyeopenright", "eyer"),
    "ParamEyeLSmile": ("eyesmilel", "leyesmile"),
    "ParamEyeRSmile": ("eyesmiler", "reyesmile"),
    "ParamEyeBallX": ("eyex", "eyeballsx", "gazex"),
    "ParamEyeBallY": ("eyey", "eyeballsy", "gazey"),
    "ParamBrowLY": ("browly", "browyl", "eyebrowly"),
    "ParamBrowRY": ("browry", "browyr", "eyebrowry"),
    "ParamMouthOpenY": ("mouthopen", "mouthy", "mouthopeny2", "lipsync"),
    "ParamMouthForm": ("mouthformx", "mouthsmile", "mouthx"),
    "ParamCheek": ("cheeks", "blush", "tere"),
}


def fold(parameter: str) -> str:
    """One spelling for all: PARAM_MOUTH_OPEN_Y, ParamMouthOpenY and Param_MouthOpen_Y are `mouthopeny`."""
    return re.sub(r"[^a-z0-9]", "", parameter.lower()).removeprefix("param")


def candidates(
    known: Iterable[str], *, lips: Sequence[str], eyes: Sequence[str], own: Mapping[str, Sequence[str]]
) -> dict[str, list[list[str]]]:
    """For each standard id, groups of the model's ids that may stand for it, best first; a group moves together.

    `known`: the ids seen in the model's files, where most but not all are named; `lips`, `eyes`: its LipSync and
    EyeBlink groups; `own`: what the user says, which comes first. The page takes the first group that is there.
    """
    spelled: dict[str, str] = {}
    for parameter in known:
        spelled.setdefault(fold(parameter), parameter)
    found: dict[str, list[list[str]]] = {}
    for standard in STANDARD:
        groups = [list(own[standard])] if standard in own else []
        groups += _from_groups(standard, lips, eyes)
        groups.append([standard])
        groups += [[spelled[name]] for name in (fold(standard), *ALIASES.get(standard, ())) if name in spelled]
        found[standard] = [group for at, group in enumerate(groups) if group not in groups[:at]]
    return found


def _from_groups(standard: str, lips: Sequence[str], eyes: Sequence[str]) -> list[list[str]]:
    """What model3.json itself says of mouth and lids; vowels in its LipSync group are vowels, and ParamA opens."""
    if standard == "ParamMouthOpenY":
        plain = [parameter for parameter in lips if parameter not in VOWELS]
        return [plain] if plain else [["ParamMouthOpenY"], *([lips[0]] for _ in lips[:1])]
    if standard in ("ParamEyeLOpen", "ParamEyeROpen") and len(eyes) == 2:
        left, right = sorted(
            eyes, key=lambda parameter: re.search(r"r(?:ight)?(?:open)?$", fold(parameter)) is not None
        )
        return [[left if standard == "ParamEyeLOpen" else right]]
    return []

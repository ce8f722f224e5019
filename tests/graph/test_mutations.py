"""Whatever is done to a pipeline file, `check` says where it is wrong, or makes a plan of it; never anything else."""

from __future__ import annotations

import os
import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import vaidol.pipelines
from vaidol.graph.compiler import compile_plan
from vaidol.graph.errors import PipelineError, Problem
from vaidol.graph.plan import Plan
from vaidol.graph.spec import Source, check, load
from vaidol.graph.yamlfile import parse
from vaidol.nodes import registry

LIBRARY = Path(vaidol.pipelines.__path__[0])
SHIPPED = sorted(LIBRARY.glob("*.yaml"))
KINDS = registry()
ROUNDS = int(os.environ.get("VAIDOL_MUTATIONS", "150"))  # of each sort and pipeline
WORDS = [
    *["null", "true", "-1", "1e400", ".nan", "[]", "{}", "''", "*x", "&x 1", "!!python/name:x", "? y", "|", "\t", "- "],
    *[": ", "#", "->", ",", '"', "'", "%", "\0", "\ud7ff", "\U0001f600", "9" * 400, "${NOT_SET}", "<<: 1", "\u2028"],
]
VALUES: list[Any] = [
    *[
        None,
        True,
        -1,
        0,
        2**70,
        1e300,
        "",
        "x",
        "a.b",
        "a.b -> c.d",
        "mic.audio -> mic.audio",
        "\n",
        "é" * 99,
        "latest",
    ],
    *["${NOT_SET:-3}", "${NOT_SET}", "block", "thread", [], {}, [[]], [None], {"a": None}, {"use": "vad.silero"}],
    *[{"use": "webrtc.in"}, {"from": 1, "to": []}, {"policy": "fallback"}, {"feedback": True}],
]


def outcome(text: str) -> Plan | list[Problem]:
    """The plan, or what is wrong: at least one thing, and each with its line."""
    found = plan_or_problems(lambda: check(parse(text, "f.yaml"), {}, partial=True))
    if isinstance(found, list):
        assert found
        for problem in found:
            assert problem.place.file == "f.yaml"
            assert 1 <= problem.place.line <= text.count("\n") + 2, problem
            assert problem.place.column >= 1
            assert problem.message
            assert "\n" not in str(problem)
            assert str(problem).encode()
    return found


def plan_or_problems(source: Callable[[], Source]) -> Plan | list[Problem]:
    try:
        return compile_plan(source(), KINDS)
    except PipelineError as error:
        return error.problems


def in_text(text: str, dice: random.Random) -> str:
    """One change as a slip of the hand makes it."""
    at, length = dice.randrange(len(text)), dice.choice([0, 1, 1, 2, 5, 30])
    put = dice.choice(["", dice.choice(WORDS), dice.choice(string.printable), text[at : at + dice.randrange(40)] * 2])
    return text[:at] + put + text[at + length :]


def in_tree(text: str, dice: random.Random) -> str:
    """One change of a value, a key or the order, anywhere."""
    data = yaml.safe_load(text)
    if not data or not isinstance(data, dict | list):
        return "extends: default.yaml\n"
    at, holder = data, None
    while isinstance(at, dict | list) and at and (holder is None or dice.random() < 0.75):
        key: Any = dice.choice(list(at)) if isinstance(at, dict) else dice.randrange(len(at))
        holder, at = at, at[key]
    change = dice.randrange(4)
    if change == 0:
        holder[key] = dice.choice(VALUES)
    elif change == 1:
        del holder[key]
    elif isinstance(holder, list):
        holder.insert(key, dice.choice([*holder, *VALUES]))
    else:
        holder[dice.choice([*map(str, holder), "with", "place", "fallback", "extends", "x" * 60])] = holder.pop(key)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=dice.random() < 0.5, width=60)


@pytest.mark.parametrize("mutate", [in_text, in_tree])
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_mutated_pipeline_compiles_or_names_the_line(path: Path, mutate: Callable[[str, random.Random], str]) -> None:
    dice, wrong = random.Random(f"{path.stem} {mutate.__name__}"), 0
    for _ in range(ROUNDS):
        text = path.read_text()
        for _ in range(dice.choice([1, 1, 1, 2, 5])):
            text = mutate(text, dice) or text
        wrong += isinstance(outcome(text), list)
    assert wrong > ROUNDS // 20


def test_mutations_of_both_a_variant_and_its_base(tmp_path: Path) -> None:
    dice, top, base = random.Random(7), tmp_path / "edge.yaml", tmp_path / "default.yaml"
    for _ in range(ROUNDS):
        for path in (top, base):
            text = (LIBRARY / path.name).read_text()
            path.write_text(in_text(text, dice) if dice.random() < 0.7 else in_tree(text, dice), errors="replace")
        found = plan_or_problems(lambda: load(top, library=tmp_path, environment={}, partial=True))
        if isinstance(found, list):
            assert found
            assert {Path(problem.place.file) for problem in found} <= {top, base}
            assert all(problem.place.line for problem in found), found

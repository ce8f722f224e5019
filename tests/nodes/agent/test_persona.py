"""Personas: those that ship, those of a user, and files with mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from vaidol.nodes.agent._chat import ChatSettings
from vaidol.nodes.agent._persona import FOLDER, load_persona
from vaidol.nodes.text._cue_names import EXPRESSIONS, MOTIONS
from vaidol.nodes.text._cues import CueReader, CueTag

SHIPPED = sorted(path.stem for path in (Path(__file__).parents[3] / "pipelines" / "personas").glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_personas_use_only_cues_the_avatar_knows(name: str) -> None:
    persona = load_persona(name)
    assert persona.name in persona.system(cues=False)
    assert "{name}" not in persona.system(cues=True)
    known = EXPRESSIONS | MOTIONS
    assert set(persona.emotions) <= known
    for _, avatar in persona.talk(cues=True):
        reader = CueReader()
        assert {tag.name for tag in [*reader.feed(avatar), *reader.flush()] if isinstance(tag, CueTag)} <= known
    assert all("[" not in avatar for _, avatar in persona.talk(cues=False))


def test_the_prompt_asks_for_tags_only_when_wanted() -> None:
    persona = load_persona("vai")
    assert "[joy]" in persona.system(cues=True)
    assert "[joy]" not in persona.system(cues=False)


def test_a_file_of_ones_own_is_found_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "bob.yaml"
    file.write_text("name: Bob\nprompt: You are {name}, {not} a format string.\n")
    assert load_persona(str(file)).system(cues=True) == "You are Bob, {not} a format string."
    assert ChatSettings(persona=str(file)).persona == str(file)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("name: Bob", "1:1: 'prompt' is missing"),
        ("name: Bob\nprompt: x\nmood: grim", "3:1: no setting 'mood' here; there are: about, "),
        ("name: Bob\npromt: x\nprompt: x", "2:1: no setting 'promt' here; did you mean 'prompt'?; there are: about, "),
        ("name: Bob\nprompt: x\nexamples:\n  - user: hi", "4:5: examples.0: 'avatar' is missing"),
        ("name: Bob\nprompt: x\nemotions: joy", "3:11: emotions: input should be a list, not 'joy'"),
        ("name: Bob\nprompt: x\nprompt: y", "3:1: 'prompt' is given twice"),
        ("name: [", "1:8: is not YAML: while parsing"),
        ("- a list", "1:1: "),
        ("", "1:1: is empty"),
        ("\x00", "1:1: is not YAML: "),
    ],
)
def test_mistakes_in_a_file_are_named(tmp_path: Path, text: str, wrong: str) -> None:
    file = tmp_path / "bob.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(f'persona bob.yaml:{wrong}')}"):
        load_persona(str(file))


def test_a_persona_that_is_not_there_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"no persona 'vay'; did you mean 'vai'\?; there are: .*vai"):
        ChatSettings(persona="vay")
    with pytest.raises(ValueError, match=r"^persona none.yaml: there is no such file"):
        load_persona(str(tmp_path / "none.yaml"))


def test_the_folder_is_a_package_so_that_the_wheel_holds_it() -> None:
    assert (Path(__file__).parents[3].joinpath(*FOLDER.split(".")[1:]) / "__init__.py").is_file()
    assert "vai" in SHIPPED

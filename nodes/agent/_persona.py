"""Who the avatar is: a YAML file with a name, a prompt, examples of its talk and the emotions it may show."""

from __future__ import annotations

import importlib.resources
import re
from dataclasses import replace
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import Field, ValidationError

from vaidol.graph.errors import PipelineError, Problem
from vaidol.graph.node import Settings
from vaidol.graph.spec import model_problems
from vaidol.graph.yamlfile import nearest, parse, read
from vaidol.nodes.text.moderate import Pattern

FOLDER = "vaidol.pipelines.personas"
NO_MAP = "a persona is a map with name, prompt and more"
TAG = re.compile(r"\[[a-z ]+\]\s*")
ASKS_FOR_TAGS = (
    "When a feeling or gesture fits, write it before the words, in square brackets, chosen from: {}. "
    "Use no other brackets and no emoji."
)


class Example(Settings):
    """One exchange that shows the model how the avatar talks."""

    user: str
    """What somebody says."""
    avatar: str
    """What the avatar answers; {name} and cue tags such as [joy] are allowed."""


class Persona(Settings):
    """One persona file."""

    name: str = Field(min_length=1, max_length=80)
    """Name of the avatar."""
    prompt: str = Field(min_length=1, max_length=20_000)
    """Who the avatar is and how it talks: the system prompt; {name} stands for its name."""
    about: str = Field("", max_length=300)
    """One sentence for people who choose."""
    language: str = Field("", pattern=r"^([a-z]{2}(-[A-Za-z]{2,4})?)?$")
    """Language of the talk: set on the nodes of the rooms text and asr that have such a setting; empty: left alone."""
    voice: dict[str, str] = Field(default_factory=dict)
    """Voice by kind of the speaking node, such as {tts.edge: en-GB-SoniaNeural}; other kinds keep theirs."""
    rvc: str = ""
    """RVC voice for a node voice.rvc; empty: left alone."""
    avatar: str = Field("", max_length=200)
    """Live2D model that the page shows; empty: whichever is chosen there."""
    map: dict[str, str] = Field(default_factory=dict)
    """Feelings to the avatar's own expressions, for expression.emotion, such as {joy: exp_03}."""
    block: tuple[str, ...] = ()
    """Words and phrases that neither side may say, for nodes text.moderate, besides those of the pipeline."""
    patterns: tuple[Pattern, ...] = ()
    """Regular expressions of the same kind."""
    fillers: tuple[str, ...] = ()
    """What text.sentences says when an answer lets wait for itself, where its `filler_ms` asks for that."""
    emotions: tuple[str, ...] = ()
    """Expressions and motions the model is told that it may use."""
    greeting: str = Field("", max_length=500)
    """What the avatar says by itself when somebody joins, where the agent's `greet` asks for it; as in examples. With
    [protected] in front nobody can interrupt its first sentence."""
    examples: tuple[Example, ...] = ()
    """A few exchanges; small models follow these more than the prompt."""

    def system(self, *, cues: bool) -> str:
        """The system prompt; with `cues` it asks for tags."""
        prompt = self.prompt.replace("{name}", self.name)
        if not cues or not self.emotions:
            return prompt
        return f"{prompt}\n{ASKS_FOR_TAGS.format(' '.join(f'[{name}]' for name in self.emotions))}"

    def hello(self) -> str:
        """The greeting, with its tags."""
        return self.greeting.replace("{name}", self.name)

    def talk(self, *, cues: bool) -> list[tuple[str, str]]:
        """The examples as (user, avatar); without `cues` their tags are taken out."""
        said = [(each.user, each.avatar.replace("{name}", self.name)) for each in self.examples]
        return said if cues else [(user, TAG.sub("", avatar)) for user, avatar in said]


def shipped() -> list[str]:
    """Names of the personas that ship with vaidol."""
    folder = importlib.resources.files(FOLDER)
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_persona(name: str) -> Persona:
    """The shipped persona `name`, or the one in the file with that path.

    Raises `ValueError` with every mistake of the file, each with its place and the nearest right name.
    """
    file = _find(name)
    try:
        document = read(file) if isinstance(file, Path) else parse(file.read_text(encoding="utf-8"), file.name)
        if document.problems or not isinstance(document.data, dict):
            raise PipelineError(document.problems or [Problem(document.place(()), NO_MAP)])
        try:
            return Persona.model_validate(document.data)
        except ValidationError as error:
            raise PipelineError(model_problems(error, document, (), Persona)) from None
    except PipelineError as error:
        placed = [(replace(problem.place, file=file.name), problem.message) for problem in error.problems]
        raise ValueError("; ".join(f"persona {place}: {message}" for place, message in placed)) from None


def _find(name: str) -> Traversable:
    if "/" in name or name.endswith((".yaml", ".yml")):
        return Path(name).expanduser()
    folder, known = importlib.resources.files(FOLDER), shipped()
    if name not in known:
        raise ValueError(f"no persona '{name}'{nearest(name, known)}; or give the path of a YAML file")
    return folder / f"{name}.yaml"

"""What the README shows works as it is printed."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np

from tests.graphs import joined, play, sink
from vaidol.graph.compiler import compile_plan
from vaidol.graph.frames import Audio, Sentence
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.spec import load
from vaidol.nodes import registry
from vaidol.pipelines import LIBRARY
from vaidol.server.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


class Says(Node[Settings]):
    """A reply of one sentence."""

    outputs = (Port("out", Sentence),)
    replies = True

    async def run(self) -> None:
        gen = self.ctx.fence.begin(1)
        await self.send("out", Sentence(text="two beeps", speech="two beeps", final=True, gen=gen, trace=1))


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(found)


def test_the_pipeline_of_the_readme_compiles(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(block("yaml"))
    plan = compile_plan(load(tmp_path / "mine.yaml", library=LIBRARY), registry())
    assert {"tts.edge", "asr.faster_whisper", "agent.llama"} <= {node.kind for node in plan.nodes}


def test_the_node_of_the_readme_speaks(tmp_path: Path) -> None:
    file = tmp_path / "tone.py"
    file.write_text(block("python"))
    spec = importlib.util.spec_from_file_location("tone", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    nodes = {"text": Says, "tts": (module.ToneTts, {"hz": 1000}), "ear": sink(Audio)}
    result = play(nodes, ["text.out -> tts.text", "tts.audio -> ear.in"], seconds=5)
    assert result.errors == []
    sound = joined(result.frames("ear"))
    assert len(sound) == 2 * 4800
    assert np.argmax(np.abs(np.fft.rfft(sound))) * 24_000 / len(sound) == 1000


def test_the_folders_and_commands_it_names_are_there() -> None:
    for command in re.findall(r"^vaidol (\w+)", README, re.MULTILINE):
        assert command in COMMANDS
    for folder in re.findall(r"^\| `(\w+)/`", README, re.MULTILINE):
        assert (ROOT / folder).is_dir()

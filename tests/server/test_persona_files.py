"""Personas in a folder of the user's: offered beside those that ship, and those with a typo named."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from vaidol import pipelines as vaidol_pipelines
from vaidol.graph.compiler import compile_plan
from vaidol.graph.spec import from_dict, load
from vaidol.nodes.agent._persona import Persona, load_persona, shipped
from vaidol.server.app import Options
from vaidol.server.persona_files import PersonaFiles
from vaidol.server.personas import current, patch
from vaidol.tests.e2e.serving import free_port
from vaidol.tests.openai_server import OpenaiServer
from vaidol.tests.server.client import call, serving
from vaidol.tests.server.test_personas import ANSWER, KINDS, ask, pipeline, settings, system

ZOE = """
name: Zoe
prompt: You are {name}, a pirate.
about: A pirate.
greeting: Ahoy!
fillers: [Arr., Let me see my map.]
"""
TYPO = "name: Kai\npromt: You are {name}.\nprompt: You are {name}.\n"
TOLD = "persona kai.yaml:2:1: no setting 'promt' here; did you mean 'prompt'?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "zoe.yaml").write_text(ZOE)
    (tmp_path / "notes.txt").write_text("not one of them")
    return tmp_path


def test_a_persona_of_the_users_is_offered_chosen_and_left_again(folder: Path) -> None:
    async def main() -> None:
        options = Options(personas=folder)
        async with (
            OpenaiServer(reply=lambda _: ANSWER) as model,
            serving(pipeline(model.url), kinds=KINDS, options=options) as client,
        ):
            async with client.get("/api/personas") as answer:
                told = await answer.json()
            assert [row["name"] for row in told["personas"]] == sorted([*shipped(), "zoe"])
            assert told["personas"][-1] | {"name": "zoe", "title": "Zoe", "greeting": "Ahoy!"} == told["personas"][-1]
            assert told["wrong"] == []
            caller = await call(client)
            await caller.message("persona", name="vai")
            before = await settings(client)
            caller.send({"t": "persona", "name": "zoe"})
            await caller.message("persona", name="zoe", title="Zoe")
            assert (await settings(client))["sentences"].fillers == ("Arr.", "Let me see my map.")
            await ask(caller, "Who are you?")
            assert system(model).startswith("You are Zoe, a pirate.")
            [session] = (await (await client.get("/api/sessions")).json())["sessions"]
            address = f"/api/sessions/{session['id']}/persona"
            async with client.get(address) as answer:
                assert await answer.json() == {"persona": "zoe"}

            (folder / "kai.yaml").write_text(TYPO)  # while the server runs
            async with client.get("/api/personas") as answer:
                [wrong] = (await answer.json())["wrong"]
                assert wrong.startswith(TOLD)
            async with client.post(address, json={"persona": "kai"}) as answer:
                assert answer.status == 422
                assert TOLD in await answer.text()
            for outside in ("../zoe", str(folder / "zoe.yaml"), "zoe.yaml"):
                async with client.post(address, json={"persona": outside}) as answer:
                    assert answer.status == 404

            caller.send({"t": "persona", "name": "vai"})
            await caller.until(lambda: [m["name"] for m in caller.messages if m["t"] == "persona"][-1] == "vai")
            assert await settings(client) == before

    asyncio.run(main())


def test_a_file_goes_before_one_of_the_same_name_that_ships(folder: Path) -> None:
    (folder / "vai.yml").write_text(ZOE)
    files = PersonaFiles(folder)
    assert files.names() == sorted([*shipped(), "zoe"])
    assert files.load("vai").name == "Zoe"
    assert files.name(files.setting("vai")) == "vai"
    assert files.name("somewhere/else.yaml") == ""


def test_serve_says_at_once_what_is_wrong(folder: Path) -> None:
    (folder / "kai.yaml").write_text(TYPO)
    for personas, told in ((folder, TOLD), (folder / "none", f"--personas: there is no folder {folder / 'none'}")):
        command = [
            sys.executable,
            "-m",
            "vaidol.server.cli",
            "serve",
            "--port",
            str(free_port()),
            "--personas",
            personas,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert told in done.stderr


def test_a_persona_without_fillers_leaves_those_of_the_pipeline() -> None:
    plan = compile_plan(from_dict(pipeline("http://127.0.0.1:1/v1")), KINDS)
    assert "sentences" not in patch(plan, "x", Persona(name="X", prompt="x"))["nodes"]


def test_another_persona_is_called_by_its_own_name() -> None:
    plan = compile_plan(load(Path(vaidol_pipelines.__path__[0]) / "wake.yaml"), KINDS)
    changed = patch(plan, "mo", load_persona("mo"))["nodes"]
    assert changed["wake"]["with"] == {"persona": "mo"}
    assert changed["asr"]["with"]["hot_words"] == ["Hey Mo!", "Hello Mo."]
    assert current(plan) == "vai"

"""`vaidol swap`, `vaidol replay` and `serve --watch` against a real server and a real call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from vaidol.graph.errors import PipelineError
from vaidol.server.app import SERVER, Options
from vaidol.server.cli import _parser
from vaidol.server.cli.watch import watch
from vaidol.server.cli.wrong import Wrong
from vaidol.server.recordings import RecordingOptions
from vaidol.tests.server.client import ECHO, Caller, serving
from vaidol.tests.server.test_pipelines_api import asked, in_call

SHIFT = {
    **ECHO,
    "name": "shift",
    "nodes": {**ECHO["nodes"], "voice": {"use": "voice.shift", "with": {"preset": "child"}}},
    "edges": ["mic.audio -> voice.audio", "voice.audio -> out.audio", "out.spoken -> page.spoken"],
}


@contextlib.asynccontextmanager
async def talking(options: Options | None = None) -> AsyncIterator[tuple[TestClient[Any, Any], Caller, str]]:
    async with serving(SHIFT, options) as client:
        caller, base = await in_call(client)
        yield client, caller, base
        await caller.close()


def main(words: list[str]) -> int:
    """`vaidol …` inside this process: the real one leaves at once while the server's threads are there."""
    given = _parser().parse_args(words)
    try:
        return int(given.run(given))
    except (Wrong, PipelineError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


async def command(client: TestClient[Any, Any], *words: str) -> int:
    return await asyncio.get_running_loop().run_in_executor(
        None, main, ["swap", *words, "--url", str(client.make_url("/"))]
    )


def test_a_call_is_changed_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.yaml"

    async def main_() -> None:
        async with talking() as (client, caller, base):
            graph = next(iter(client.app[SERVER].sessions)).graph  # type: ignore[union-attr]
            assert graph is not None
            await caller.until(lambda: any(level > 0.02 for level in caller.levels), "sound")
            assert await command(client, "--set", "voice.preset=deep") == 0
            assert "applied: voice: preset" in capsys.readouterr().out
            assert graph.node("voice").settings.preset == "deep"
            assert await command(client, "--rollback") == 0
            assert graph.node("voice").settings.preset == "child"
            assert await command(client, "--dry-run", "voice=adapt.dtype") in (0, 2)
            capsys.readouterr()
            yaml = (await asked(client, "GET", f"{base}/pipeline"))[1]["yaml"]
            file.write_text(yaml.replace("child", "deep"))
            assert await command(client, str(file), "--all") == 0
            assert graph.node("voice").settings.preset == "deep"
            assert client.app[SERVER].plan.node("voice").settings.preset == "deep"  # type: ignore[attr-defined]
            capsys.readouterr()
            file.write_text(yaml.replace("child", "dep"))
            assert await command(client, str(file)) == 2
            assert f"{file}:" in capsys.readouterr().err
            assert await command(client, "voice=voice.shfit") == 2
            assert "did you mean 'voice.shift'" in capsys.readouterr().err
            assert await command(client, "--session", "nobody", "--set", "voice.preset=deep") == 2
            assert "no such session" in capsys.readouterr().err

    asyncio.run(main_())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "what is to change?"),
        (["voice=x", "echo"], "neither NODE=KIND nor"),
        (["--set", "voice"], "NODE.SETTING=VALUE"),
        (["--rollback", "a=b"], "--rollback goes with"),
        (["a=b", "--url", "nowhere"], "must begin with http"),
        (["a=b", "--url", "http://127.0.0.1:9"], "no server answers"),
    ],
)
def test_what_is_wrong_with_a_command_is_said(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swap", *words]) == 2
    assert said in capsys.readouterr().err


def test_an_edited_file_takes_effect_and_a_broken_one_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaidol.server.cli.watch.LOOK_S", 0.05)
    base_file, file = tmp_path / "base.yaml", tmp_path / "mine.yaml"
    file.write_text("version: 1\nname: shift\nextends: base.yaml\n")

    async def main_() -> None:
        async with talking() as (client, caller, base):
            server = client.app[SERVER]
            yaml = (await asked(client, "GET", f"{base}/pipeline"))[1]["yaml"]
            base_file.write_text(yaml)
            following = asyncio.ensure_future(watch(server, str(file)))
            await asyncio.sleep(0.5)
            graph = next(iter(server.sessions)).graph  # type: ignore[union-attr]
            assert graph is not None
            base_file.write_text(yaml.replace("child", "deep"))
            await caller.until(lambda: graph.node("voice").settings.preset == "deep", "the edit")
            assert server.plan.node("voice").settings.preset == "deep"  # type: ignore[attr-defined]
            base_file.write_text(yaml.replace("child", "dep"))
            err = ""
            for _ in range(200):
                err += capsys.readouterr().err
                if "nothing was changed" in err:
                    break
                await asyncio.sleep(0.02)
            assert f"watch: {base_file}:" in err
            assert graph.node("voice").settings.preset == "deep"
            base_file.write_text(yaml)
            await caller.until(lambda: graph.node("voice").settings.preset == "child", "the way back")
            following.cancel()

    asyncio.run(main_())


def test_a_recorded_call_is_replayed_with_another_voice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def main_() -> str:
        async with talking(Options(recording=RecordingOptions(tmp_path))) as (client, caller, base):
            await caller.until(lambda: sum(level > 0.02 for level in caller.levels) > 50, "sound")
            _, told = await asked(client, "POST", f"{base}/dump")
            return str(told["name"])

    path = tmp_path / asyncio.run(main_())
    assert main(["replay", str(path), "--set", "voice.preset=deep", "--json", "--out", str(tmp_path / "out")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["from"], told["clock"], told["errors"]) == ("mic.audio", "virtual", [])
    assert main(["replay", str(path)]) == 0
    assert "played from mic.audio, on the virtual clock" in capsys.readouterr().out
    assert main(["replay", str(path), "--from", "asr.text"]) == 2
    assert "nothing of 'asr.text' was recorded" in capsys.readouterr().err
    assert main(["replay", str(path), "--swap", "voice=voice.shfit"]) == 2
    assert "did you mean 'voice.shift'" in capsys.readouterr().err
    path.write_bytes(path.read_bytes()[:2000])
    assert main(["replay", str(path)]) == 2
    assert "was cut off" in capsys.readouterr().err

"""Recordings over REST: dumps, whole calls in stereo, the notice to the people in the call, and how long files stay."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Audio
from vaidol.graph.mcapfile import read
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.server.app import SERVER, Options
from vaidol.server.recordings import RecordingOptions
from vaidol.tests.server.client import ECHO, call, serving
from vaidol.tests.server.test_pipelines_api import asked, in_call


class Fails(Node[Settings]):
    """t.fails: fails at every frame."""

    inputs = (Port("audio", Audio),)

    def process(self, port: str, frame: Audio) -> None:
        raise ProviderError("it is broken")


WITH_LIPS = {
    **ECHO,
    "nodes": {**ECHO["nodes"], "lips": {"use": "expression.lipsync"}},
    "edges": [*ECHO["edges"], "out.played -> lips.audio", "lips.mouth -> page.mouth"],
}
KINDS = Registry("vaidol.nodes", extra={"t.fails": Fails})


def options(folder: Path, **how: Any) -> Options:
    return Options(recording=RecordingOptions(folder, **how))


def test_a_dump_is_listed_fetched_read_and_removed(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(ECHO, options(tmp_path)) as client:
            caller, base = await in_call(client)
            await caller.until(lambda: sum(level > 0.05 for level in caller.levels) > 50, "sound")
            _, held = await asked(client, "GET", f"{base}/recorder")
            assert "mic.audio" in held["ports"]
            assert held["bytes"] > 100_000
            status, told = await asked(client, "POST", f"{base}/dump")
            assert status == 201
            _, files = await asked(client, "GET", "/api/recordings")
            assert [one["name"] for one in files["recordings"]] == [told["name"]]
            async with client.get(f"/api/recordings/{told['name']}") as response:
                assert response.headers["Content-Disposition"].startswith("attachment")
                (tmp_path / "copy").write_bytes(await response.read())
            back = read(tmp_path / "copy")
            sound = [one.frame for one in back.frames if one.port == "mic.audio"]
            assert sum(frame.ms for frame in sound) > 800
            async with client.delete(f"/api/recordings/{told['name']}") as response:
                assert response.status == 204
            for name in (told["name"], "..%2f..%2fetc%2fpasswd", ".hidden.mcap", "x.txt"):
                assert (await asked(client, "GET", f"/api/recordings/{name}"))[0] == 404
            await caller.close()

    asyncio.run(main())


@pytest.mark.parametrize("lips", [True, False])
def test_a_whole_call_is_recorded_in_stereo_and_everybody_is_told(tmp_path: Path, *, lips: bool) -> None:
    async def main() -> None:
        async with serving(WITH_LIPS if lips else ECHO, options(tmp_path)) as client:
            caller, base = await in_call(client)
            status, told = await asked(client, "POST", f"{base}/recording")
            assert status == 201
            await caller.message("recording", on=True)
            token = (await caller.message("hello"))["token"]
            again = await call(client, token=token)
            await again.message("recording", on=True)
            again.levels.clear()
            await again.until(lambda: sum(level > 0.05 for level in again.levels) > 100, "sound")
            assert (await asked(client, "POST", f"{base}/recording"))[1] == told, "it goes on"
            status, done = await asked(client, "DELETE", f"{base}/recording")
            assert (status, done["name"]) == (200, told["name"])
            await again.message("recording", on=False)
            assert (await asked(client, "DELETE", f"{base}/recording"))[0] == 409
            for one in (caller, again):
                await one.close()
            with av.open(str(tmp_path / told["name"])) as file:
                assert file.streams.audio[0].codec.name in ("opus", "libopus")
                parts = [frame.to_ndarray() for frame in file.decode(audio=0)]
            sound = np.concatenate(parts, axis=1)
            assert sound.shape[0] == 2
            assert abs(sound.shape[1] / 48_000 - done["seconds"]) < 0.2
            assert np.sqrt(np.mean(np.square(sound[:, -48_000:]), axis=1)).min() > 0.05, "both sides are heard"

    asyncio.run(main())


def test_a_recording_is_closed_when_the_call_ends(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(ECHO, options(tmp_path)) as client:
            caller, base = await in_call(client)
            _, told = await asked(client, "POST", f"{base}/recording")
            await caller.until(lambda: sum(level > 0.05 for level in caller.levels) > 100, "sound")
            async with client.delete(f"/{caller.location}"):
                pass
            sessions = client.app[SERVER].sessions  # type: ignore[union-attr]
            await caller.until(lambda: not len(sessions), "the end")
            with av.open(str(tmp_path / told["name"])) as file:
                seconds = sum(frame.samples for frame in file.decode(audio=0)) / 48_000
            assert seconds > 1.5
            await caller.close()

    asyncio.run(main())


def test_a_failing_node_dumps_once(tmp_path: Path) -> None:
    pipeline = {
        **ECHO,
        "nodes": {**ECHO["nodes"], "bad": {"use": "t.fails"}},
        "edges": [*ECHO["edges"], "mic.audio -> bad.audio"],
    }

    async def main() -> None:
        async with serving(pipeline, options(tmp_path, on_error=True), KINDS) as client:
            caller, _ = await in_call(client)
            await caller.until(lambda: list(tmp_path.glob("*.mcap")), "a dump")
            await asyncio.sleep(0.3)
            (path,) = tmp_path.glob("*.mcap")
            back = read(path)
            assert back.reason == "error-bad"
            assert any(event.name == "error" and event.node == "bad" for event in back.events)
            await caller.close()

    asyncio.run(main())


def test_old_and_too_many_files_are_swept_at_the_start(tmp_path: Path) -> None:
    def file(name: str, size: int, days: float) -> None:
        path = tmp_path / name
        path.write_bytes(b"x" * size)
        then = path.stat().st_mtime - days * 86_400
        os.utime(path, (then, then))

    file("new.mcap", 600_000, 0)
    file("less-new.mcap", 300_000, 1)
    file("too-much.ogg", 300_000, 2)
    file("old.mcap", 1, 40)
    file("notes.txt", 1, 400)

    async def main() -> None:
        async with serving(ECHO, options(tmp_path, keep_mb=1.0)) as client:
            for _ in range(100):
                names = {path.name for path in tmp_path.iterdir()}
                if names == {"new.mcap", "less-new.mcap", "notes.txt"}:
                    break
                await asyncio.sleep(0.02)
            assert names == {"new.mcap", "less-new.mcap", "notes.txt"}
            _, told = await asked(client, "GET", "/api/recordings")
            assert [one["name"] for one in told["recordings"]] == ["new.mcap", "less-new.mcap"]

    asyncio.run(main())


def test_without_a_recorder_a_dump_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(ECHO, options(tmp_path, seconds=0)) as client:
            caller, base = await in_call(client)
            assert (await asked(client, "POST", f"{base}/dump"))[0] == 409
            await caller.close()

    asyncio.run(main())


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    async def main() -> None:
        async with serving(ECHO, options(tmp_path / "file")) as client:
            caller, base = await in_call(client)
            for path in ("dump", "recording"):
                status, told = await asked(client, "POST", f"{base}/{path}")
                assert (status, told["error"]["code"]) == (507, "disk")
            await caller.close()

    asyncio.run(main())


@pytest.mark.parametrize(("method", "path"), [("POST", "dump"), ("POST", "recording"), ("DELETE", "recording")])
def test_strangers_may_not_record(tmp_path: Path, method: str, path: str) -> None:
    async def main() -> None:
        async with serving(ECHO, Options(token="secret", recording=RecordingOptions(tmp_path))) as client:
            assert (await asked(client, method, f"/api/sessions/x/{path}"))[0] == 401

    asyncio.run(main())
